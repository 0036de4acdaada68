// Columns of text that fit a width, for lists such as that of tasks.
#ifndef STRANDED_DETECTOR_REPORT_TEXT_TABLE_H_
#define STRANDED_DETECTOR_REPORT_TEXT_TABLE_H_

#include <cstddef>
#include <string>
#include <vector>

namespace stranded::detector {

class TextTable {
 public:
  void AddColumn(std::string head, bool right, std::vector<std::string> cells);
  // A heading and one line for each row. With a width, the last column gives way first, then the
  // widest; of a cell that is cut the end is kept, where file:line stands. 0: nothing is cut.
  std::string ToText(std::size_t width) const;

 private:
  struct Column {
    std::string head;
    bool right = false;
    std::vector<std::string> cells;
    std::size_t width = 0;
  };
  std::vector<std::size_t> Fit(std::size_t width) const;

  std::vector<Column> columns_;
};

}  // namespace stranded::detector

#endif  // STRANDED_DETECTOR_REPORT_TEXT_TABLE_H_
