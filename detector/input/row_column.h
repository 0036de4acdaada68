// One field of the rows of a batch: differences as zigzag varints.
//
// Errors: reading behind the end throws protozero's exception.
#ifndef STRANDED_DETECTOR_INPUT_ROW_COLUMN_H_
#define STRANDED_DETECTOR_INPUT_ROW_COLUMN_H_

#include <cstdint>
#include <protozero/varint.hpp>

#include "detector/input/decode.h"

namespace stranded::detector {

class RowColumn {
 public:
  RowColumn() = default;  // not in the batch
  explicit RowColumn(const data_view& bytes)
      : at_(bytes.data()), end_(bytes.data() + bytes.size()) {}
  std::uint64_t Difference() {
    if (at_ != end_ && (*at_ & 0x80) == 0) return Unzigzag(static_cast<unsigned char>(*at_++));
    return Unzigzag(protozero::decode_varint(&at_, end_));
  }
  std::uint64_t Next() { return value_ += Difference(); }
  bool AtEnd() const { return at_ == end_; }
  bool InBatch() const { return at_ != nullptr; }

 private:
  static std::uint64_t Unzigzag(std::uint64_t z) { return z >> 1 ^ (0 - (z & 1)); }
  const char* at_ = nullptr;
  const char* end_ = nullptr;
  std::uint64_t value_ = 0;
};

}  // namespace stranded::detector

#endif  // STRANDED_DETECTOR_INPUT_ROW_COLUMN_H_
