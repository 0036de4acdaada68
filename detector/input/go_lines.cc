#include "detector/input/go_lines.h"

namespace stranded::detector {
namespace {

// One of the parts between commas inside the brackets.
void TakePart(std::string_view part, bool first, GoHeader& out) {
  part = Stripped(part);
  if (part == "locked to thread") {
    out.locked_to_thread = true;
    return;
  }
  std::uint64_t number = 0;
  std::string_view rest = part;
  if (TakeNumber(rest, number) && rest.starts_with(" minute")) {
    out.minutes = static_cast<std::uint32_t>(number);
    return;
  }
  if (part.starts_with("synctest bubble ")) {
    rest = part.substr(16);
    if (TakeNumber(rest, number)) out.bubble = static_cast<std::uint32_t>(number);
    return;
  }
  if (!first) return;
  for (bool again = true; again;) {
    again = false;
    for (const std::string_view mark : {" (leaked)", " (scan)", " (durable)"}) {
      if (!part.ends_with(mark)) continue;
      if (mark == " (leaked)") out.leaked = true;
      part.remove_suffix(mark.size());
      again = true;
    }
  }
  if (part == "leaked") out.leaked = true;
  out.state = part;
}

}  // namespace

std::string_view Stripped(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

bool TakeNumber(std::string_view& text, std::uint64_t& number) {
  std::size_t i = 0;
  number = 0;
  while (i < text.size() && i < 19 && IsDigit(text[i])) {
    number = number * 10 + static_cast<std::uint64_t>(text[i++] - '0');
  }
  if (i == 0 || (i < text.size() && IsDigit(text[i]))) return false;
  text.remove_prefix(i);
  return true;
}

bool TakeHex(std::string_view& text, std::uint64_t& number) {
  if (!text.starts_with("0x")) return false;
  std::size_t i = 2;
  number = 0;
  for (; i < text.size() && i < 18; ++i) {
    const char c = text[i];
    const int digit = IsDigit(c)             ? c - '0'
                      : c >= 'a' && c <= 'f' ? c - 'a' + 10
                      : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                             : -1;
    if (digit < 0) break;
    number = number << 4 | static_cast<std::uint64_t>(digit);
  }
  if (i == 2) return false;
  text.remove_prefix(i);
  return true;
}

bool ParseGoHeader(std::string_view line, GoHeader& out) {
  if (!line.starts_with(kGoroutine)) return false;
  line.remove_prefix(kGoroutine.size());
  out = {};
  if (!TakeNumber(line, out.id)) return false;
  const std::size_t open = line.find('[');
  if (open == line.npos || line.find(':') < open) return false;
  if (open > 1 && !line.starts_with(" gp=")) return false;
  const std::size_t close = line.find(']', open);
  if (close == line.npos) return false;
  std::string_view inside = line.substr(open + 1, close - open - 1);
  std::string_view rest = line.substr(close + 1);
  while (!rest.empty() && rest.back() == ' ') rest.remove_suffix(1);
  if (rest.empty() || rest.back() != ':') return false;
  rest.remove_suffix(1);
  out.labels = Stripped(rest);
  for (bool first = true;; first = false) {
    const std::size_t comma = inside.find(',');
    TakePart(inside.substr(0, comma), first, out);
    if (comma == inside.npos) break;
    inside.remove_prefix(comma + 1);
  }
  return true;
}

bool BeginsGoHeader(std::string_view line) {
  if (line.empty() || line.back() == ':') return false;
  if (line.size() <= kGoroutine.size()) return kGoroutine.starts_with(line);
  if (!line.starts_with(kGoroutine)) return false;
  line.remove_prefix(kGoroutine.size());
  std::uint64_t id = 0;
  if (!TakeNumber(line, id)) return false;
  for (const std::string_view next : {" [", " gp="}) {
    if (next.starts_with(line)) return true;
  }
  if (!line.starts_with(" [") && !line.starts_with(" gp=")) return false;
  const std::size_t close = line.find(']');
  const std::string_view labels = close == line.npos ? "" : line.substr(close + 1);
  return labels.empty() || std::string_view(" {").starts_with(labels.substr(0, 2));
}

bool ParseGoPlace(std::string_view text, std::string_view& file, std::uint32_t& line) {
  std::size_t colon = text.rfind(':');
  while (colon != text.npos && colon > 0) {
    std::string_view rest = text.substr(colon + 1);
    std::uint64_t number = 0;
    if (TakeNumber(rest, number) && (rest.empty() || rest.front() == ' ')) {
      file = text.substr(0, colon);
      line = static_cast<std::uint32_t>(number);
      return true;
    }
    colon = text.rfind(':', colon - 1);
  }
  return false;
}

std::size_t GoArguments(std::string_view call) {
  if (call.empty() || call.back() != ')') return call.npos;
  int depth = 0;
  for (std::size_t i = call.size(); i-- > 0;) {
    if (call[i] == ')') ++depth;
    if (call[i] == '(' && --depth == 0) return i == 0 ? call.npos : i;
  }
  return call.npos;
}

}  // namespace stranded::detector
