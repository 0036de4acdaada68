#include "detector/report/text_table.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

namespace stranded::detector {
namespace {

constexpr std::size_t kLeast = 8;  // of a column that is cut

bool Begins(char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }

// Characters, each of one column.
std::size_t Length(const std::string& s) {
  return static_cast<std::size_t>(std::count_if(s.begin(), s.end(), Begins));
}

std::string Cut(const std::string& s, std::size_t width) {
  std::size_t extra = Length(s);
  if (extra <= width) return s;
  extra -= width - 1;
  std::size_t i = 0;
  for (; i < s.size() && (extra > 0 || !Begins(s[i])); ++i) {
    if (Begins(s[i])) --extra;
  }
  return absl::StrCat("…", s.substr(i));
}

}  // namespace

void TextTable::AddColumn(std::string head, bool right, std::vector<std::string> cells) {
  std::size_t width = head.size();
  for (const std::string& cell : cells) width = std::max(width, Length(cell));
  columns_.push_back({std::move(head), right, std::move(cells), width});
}

std::vector<std::size_t> TextTable::Fit(std::size_t width) const {
  std::vector<std::size_t> widths;
  std::size_t sum = columns_.empty() ? 0 : 2 * (columns_.size() - 1);
  for (const Column& c : columns_) {
    widths.push_back(c.width);
    sum += c.width;
  }
  if (width == 0 || widths.empty()) return widths;
  const auto shrink = [&](std::size_t& column, std::size_t least) {
    if (sum <= width || column <= least) return;
    const std::size_t by = std::min(column - least, sum - width);
    column -= by;
    sum -= by;
  };
  shrink(widths.back(), 32);
  while (sum > width) {
    const std::size_t before = sum;
    std::size_t& widest = *std::max_element(widths.begin(), widths.end());
    shrink(widest, std::max(kLeast, widest - 1));
    if (sum == before) break;  // too narrow for a table: longer lines it is
  }
  return widths;
}

std::string TextTable::ToText(std::size_t width) const {
  const std::vector<std::size_t> widths = Fit(width);
  const std::size_t rows = columns_.empty() ? 0 : columns_.front().cells.size();
  std::string out;
  const auto add = [&](std::size_t i, const std::string& text) {
    const std::string cell = Cut(text, widths[i]);
    const std::string pad(widths[i] - std::min(widths[i], Length(cell)), ' ');
    absl::StrAppend(&out, i == 0 ? "" : "  ", columns_[i].right ? pad : "", cell,
                    columns_[i].right || i + 1 == columns_.size() ? "" : pad);
  };
  const auto end_line = [&] {
    out.erase(out.find_last_not_of(' ') + 1);
    out += '\n';
  };
  for (std::size_t i = 0; i < columns_.size(); ++i) add(i, columns_[i].head);
  end_line();
  for (std::size_t row = 0; row < rows; ++row) {
    for (std::size_t i = 0; i < columns_.size(); ++i) add(i, columns_[i].cells[row]);
    end_line();
  }
  return out;
}

}  // namespace stranded::detector
