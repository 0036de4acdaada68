#include "detector/input/go_forms.h"

#include <algorithm>

#include "detector/input/decode.h"
#include "detector/input/go_lines.h"

namespace stranded::detector {
namespace {

// Two numbers: a type and its unit.
bool IsValueType(std::string_view bytes) {
  Reader part(bytes.data(), bytes.size());
  bool has_type = false;
  while (part.next()) {
    if (part.tag() != 1 && part.tag() != 2) return false;
    has_type |= part.tag() == 1;
    part.get_uint64();
  }
  return has_type;
}

// Go writes period_type (11) and the period (12) before the sample_type (1), others after it.
bool BeginsAsProfile(std::string_view head) {
  Reader message(head.data(), head.size());
  for (int field = 0; field < 3 && message.next(); ++field) {
    switch (message.tag()) {
      case 1: return IsValueType(View(message.get_view()));
      case 11:
        if (!IsValueType(View(message.get_view()))) return false;
        break;
      case 12: message.get_int64(); break;
      default: return false;
    }
  }
  return false;
}

}  // namespace

bool LooksLikeGoText(std::string_view head) {
  GoHeader header;
  while (!head.empty()) {
    const std::size_t end = std::min(head.find('\n'), head.size());
    std::string_view line = WithoutMark(head.substr(0, end));
    head.remove_prefix(std::min(end + 1, head.size()));
    if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
    if (line.starts_with("goroutine profile: total ") ||
        line.starts_with("goroutineleak profile: total ")) {
      return true;
    }
    const std::size_t at = line.find("goroutine ");
    if (at != line.npos && ParseGoHeader(line.substr(at), header)) return true;
  }
  return false;
}

bool LooksLikeGoPprof(std::string_view head) {
  try {
    return BeginsAsProfile(head);
  } catch (const protozero::exception&) {
    return false;
  }
}

bool LooksLikeUtf16(std::string_view head) {
  constexpr std::string_view kWord("g\0o\0r\0o\0u\0t\0i\0n\0e", 17);
  return head.starts_with("\xff\xfe") || head.starts_with("\xfe\xff") ||
         head.find(kWord) != head.npos;
}

}  // namespace stranded::detector
