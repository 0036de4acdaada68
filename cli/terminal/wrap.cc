#include "cli/terminal/wrap.h"

#include <algorithm>
#include <string_view>

#include "absl/strings/str_cat.h"

namespace stranded::cli {
namespace {

// Of the rows of a finding, and of a page of `show`.
constexpr std::size_t kTextColumns[] = {13, 12};

// Columns that a word takes: neither colours nor the later bytes of a character count.
std::size_t Columns(std::string_view word) {
  std::size_t columns = 0;
  for (std::size_t i = 0; i < word.size(); ++i) {
    if (word[i] == '\033') {
      const std::size_t end = word.find('m', i);
      if (end == std::string_view::npos) break;
      i = end;
    } else {
      columns += (static_cast<unsigned char>(word[i]) & 0xC0) != 0x80;
    }
  }
  return columns;
}

std::size_t Indent(std::string_view line) {
  if (!line.starts_with("  ")) return 3;
  for (const std::size_t column : kTextColumns) {
    const bool begins = column < line.size() && line[column] != ' ' && line[column - 1] == ' ';
    if (begins) return column;
  }
  return line.starts_with("   ") ? kTextColumns[0] : 3;
}

void AddWrapped(std::string_view line, std::size_t width, std::string& out) {
  const std::size_t indent = std::min(Indent(line), width / 2);
  std::size_t used = 0;
  bool first = true;
  while (true) {
    const std::size_t end = std::min(line.find(' '), line.size());
    const std::string_view word = line.substr(0, end);
    const std::size_t columns = Columns(word);
    if (!first && used + 1 + columns > width && used > indent) {
      absl::StrAppend(&out, "\n", std::string(indent, ' '));
      used = indent;
    } else if (!first) {
      out += ' ';
      ++used;
    }
    out.append(word);
    used += columns;
    first = false;
    if (end == line.size()) break;
    line.remove_prefix(end + 1);
  }
  out += '\n';
}

}  // namespace

std::string WrapReport(const std::string& report, std::size_t width) {
  if (width == 0) return report;
  std::string out;
  bool diff = false;
  std::string_view rest = report;
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    const std::string_view line = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    if (line.starts_with("--- ")) diff = true;
    if (line.empty()) diff = false;  // the context lines of a diff begin with a space
    const bool command = line.starts_with("  stranded ");
    if (diff || command || Columns(line) <= width) {
      out.append(line);
      out += '\n';
    } else {
      AddWrapped(line, width, out);
    }
  }
  return out;
}

}  // namespace stranded::cli
