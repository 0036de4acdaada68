// One goroutine of a textual dump, looked at without being parsed.
//
// Overview: the text of a stack is hashed without what differs from goroutine to goroutine: ids,
// minutes, labels, arguments, stack pointers. Records with the same hash have the same state, stack
// and creator, so only the first of them need be parsed.
// Thread safety: pure functions of their arguments.
#ifndef STRANDED_DETECTOR_INPUT_GO_RECORDS_H_
#define STRANDED_DETECTOR_INPUT_GO_RECORDS_H_

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace stranded::detector {

// Two lanes of 64 bits: an accidental collision is out of the question.
struct GoRecordHash {
  std::uint64_t a = 0, b = 0;
  bool operator==(const GoRecordHash&) const = default;
  template <class H>
  friend H AbslHashValue(H h, const GoRecordHash& hash) {
    return H::combine(std::move(h), hash.a);
  }
};

struct GoRecord {
  std::uint64_t id = 0, creator = 0;
  std::uint32_t minutes = 0;
  std::string_view labels;
  GoRecordHash hash;
  std::size_t size = 0;  // with the empty line at its end
};

enum class GoScan {
  kWhole,
  kIncomplete,  // ends before its empty line
  kOther,       // not of the plain form: to be read line by line
};

// `text` begins with "goroutine ".
GoScan ScanGoRecord(std::string_view text, GoRecord& out);

}  // namespace stranded::detector

#endif  // STRANDED_DETECTOR_INPUT_GO_RECORDS_H_
