// Feeds bytes to the reader of trace files and what it could read to the rules (libFuzzer).
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>

#include "detector/model/snapshot.h"
#include "stranded/analysis.h"
#include "stranded/dump_reader.h"
#include "stranded/mapped_format.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string bytes(reinterpret_cast<const char*>(data), size);
  // What is no trace file goes elsewhere, and another test's fuzzer looks there.
  if (size >= sizeof stranded::mapped::kMagic) {
    std::memcpy(bytes.data(), stranded::mapped::kMagic, sizeof stranded::mapped::kMagic);
  }
  const auto dump = stranded::detector::ReadDump(std::move(bytes), "fuzz");
  if (!dump.ok()) return 0;
  stranded::AnalysisOptions options;
  options.symbolize = false;
  options.source_root = "/nonexistent";
  stranded::Analyze(*dump, options);
  return 0;
}
