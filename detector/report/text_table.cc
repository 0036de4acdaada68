#include "detector/report/text_table.h"

#include <algorithm>
#include <utility>

namespace stranded::detector {
namespace {

constexpr std::size_t kLeast[] = {8, 4, 1};  // of a column that is cut, while that will do

bool Begins(char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }

// Characters, each of one column.
std::size_t Length(std::string_view s) {
  return static_cast<std::size_t>(std::count_if(s.begin(), s.end(), Begins));
}

// Makes the text `width` long.
void Cut(std::string& s, std::size_t width) {
  std::size_t extra = Length(s) - width + 1;
  std::size_t i = 0;
  for (; i < s.size() && (extra > 0 || !Begins(s[i])); ++i) {
    if (Begins(s[i])) --extra;
  }
  s.replace(0, i, "…");
}

}  // namespace

void TextTable::AddColumn(std::string head, bool right, Cell cell) {
  columns_.push_back({std::move(head), right, std::move(cell)});
}

std::vector<std::size_t> TextTable::Widths() const {
  std::vector<std::size_t> widths;
  widths.reserve(columns_.size());
  for (const Column& c : columns_) widths.push_back(c.head.size());
  std::string text;
  for (std::size_t row = 0; row < rows_; ++row) {
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      text.clear();
      columns_[i].cell(row, text);
      if (text.size() > widths[i]) widths[i] = std::max(widths[i], Length(text));
    }
  }
  return widths;
}

std::vector<std::size_t> TextTable::Fit(std::size_t width) const {
  std::vector<std::size_t> widths = Widths();
  std::size_t sum = columns_.empty() ? 0 : 2 * (columns_.size() - 1);
  for (const std::size_t w : widths) sum += w;
  if (width == 0 || widths.empty()) return widths;
  const auto shrink = [&](std::size_t& column, std::size_t least) {
    if (sum <= width || column <= least) return;
    const std::size_t by = std::min(column - least, sum - width);
    column -= by;
    sum -= by;
  };
  shrink(widths.back(), 32);
  for (const std::size_t least : kLeast) {
    while (sum > width) {
      const std::size_t before = sum;
      std::size_t& widest = *std::max_element(widths.begin(), widths.end());
      shrink(widest, std::max(least, widest - 1));
      if (sum == before) break;
    }
  }
  return widths;  // too narrow even for that: longer lines it is
}

void TextTable::Write(std::size_t width, absl::FunctionRef<void(std::string_view)> write) const {
  constexpr std::size_t kPiece = 64 << 10;
  const std::vector<std::size_t> widths = Fit(width);
  std::string out, text;
  const auto add = [&](std::size_t i) {
    std::size_t length = Length(text);
    if (length > widths[i]) {
      Cut(text, widths[i]);
      length = widths[i];
    }
    if (i > 0) out += "  ";
    if (columns_[i].right) out.append(widths[i] - length, ' ');
    out += text;
    if (!columns_[i].right && i + 1 < columns_.size()) out.append(widths[i] - length, ' ');
  };
  const auto end_line = [&] {
    while (!out.empty() && out.back() == ' ') out.pop_back();
    out += '\n';
    if (out.size() < kPiece) return;
    write(out);
    out.clear();
  };
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    text = columns_[i].head;
    add(i);
  }
  end_line();
  for (std::size_t row = 0; row < (columns_.empty() ? 0 : rows_); ++row) {
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      text.clear();
      columns_[i].cell(row, text);
      add(i);
    }
    end_line();
  }
  write(out);
}

}  // namespace stranded::detector
