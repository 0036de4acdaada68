// Columns of text that fit a width, for lists such as that of tasks.
//
// Overview: cells are asked for twice, once for the widths and once to be written, so that a table
// of a million rows is never held as text. Thread safety: none. Invariants: a cell's text is the
// same each time. Ownership: holds the functions only.
#ifndef STRANDED_DETECTOR_REPORT_TEXT_TABLE_H_
#define STRANDED_DETECTOR_REPORT_TEXT_TABLE_H_

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/functional/function_ref.h"

namespace stranded::detector {

class TextTable {
 public:
  // Appends the text of one row's cell.
  using Cell = std::function<void(std::size_t row, std::string& out)>;

  explicit TextTable(std::size_t rows) : rows_(rows) {}
  void AddColumn(std::string head, bool right, Cell cell);
  // A heading and one line for each row, in pieces of whole lines. With a width, the last column
  // gives way first, then the widest; of a cell that is cut the end is kept, where file:line
  // stands. 0: nothing is cut.
  void Write(std::size_t width, absl::FunctionRef<void(std::string_view)> write) const;

 private:
  struct Column {
    std::string head;
    bool right = false;
    Cell cell;
  };
  std::vector<std::size_t> Widths() const;
  std::vector<std::size_t> Fit(std::size_t width) const;

  std::size_t rows_;
  std::vector<Column> columns_;
};

}  // namespace stranded::detector

#endif  // STRANDED_DETECTOR_REPORT_TEXT_TABLE_H_
