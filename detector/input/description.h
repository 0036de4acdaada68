// What tells one task of a crowd from others: words that are equal or not.
//
// Overview: ids that belong to a task alone are numbered within its description, times are told by
// class. Thread safety: none.
#ifndef STRANDED_DETECTOR_INPUT_DESCRIPTION_H_
#define STRANDED_DETECTOR_INPUT_DESCRIPTION_H_

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "detector/model/snapshot.h"

namespace stranded::detector {

// How long ago something was, as far as rules ask.
enum class AgeClass : std::uint8_t { kUnknown, kShort, kLong, kVeryLong, kToCome };

struct AgeClasses {
  std::int64_t now_ns = 0;
  // Of those that are old, and very old, the time is at most:
  std::int64_t long_ns = 0, very_long_ns = 0;

  AgeClass Of(std::int64_t ns) const {
    if (ns == 0) return AgeClass::kUnknown;
    if (ns > now_ns) return AgeClass::kToCome;
    if (ns <= very_long_ns) return AgeClass::kVeryLong;
    return ns <= long_ns ? AgeClass::kLong : AgeClass::kShort;
  }
};

class Description {
 public:
  static constexpr std::size_t kMost = 512;

  void Clear() { count_ = 0; }
  // kMost words at the most.
  void Add(Id word) { words_[count_++] = word; }
  std::span<const Id> words() const { return std::span(words_).first(count_); }
  bool Is(std::span<const Id> others) const { return std::ranges::equal(words(), others); }

 private:
  std::array<Id, kMost> words_;
  std::size_t count_ = 0;
};

}  // namespace stranded::detector

#endif  // STRANDED_DETECTOR_INPUT_DESCRIPTION_H_
