// Feeds bytes to the reader of Go's dumps and what it could read to the rules (libFuzzer).
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "stranded/go_dump.h"
#include "stranded/report.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  stranded::LooksLikeGo(bytes);
  const auto analysis = stranded::AnalyzeGo(bytes, "fuzz");
  if (!analysis.ok()) return 0;
  stranded::TextReport(*analysis);
  stranded::TreeReport(*analysis);
  return 0;
}
