// One field of many objects: differences to the value before, as zigzag varints.
#ifndef STRANDED_RUNTIME_HOOKS_RECORDER_ROW_COLUMN_H_
#define STRANDED_RUNTIME_HOOKS_RECORDER_ROW_COLUMN_H_

#include <array>
#include <cstddef>
#include <cstdint>

namespace stranded::internal {

inline constexpr std::size_t kLongestVarint = 10;

template <std::size_t kBytes>
struct RowColumn {
  std::array<char, kBytes> bytes;
  std::size_t size = 0;
  std::uint64_t before = 0;
  bool used = false;  // some value was not 0

  void Add(std::uint64_t value) {
    used |= value != 0;
    Put(value - before);
    before = value;
  }
  void Put(std::uint64_t difference) {
    if (difference == 0) {  // mostly
      bytes[size++] = 0;
      return;
    }
    std::uint64_t z = difference << 1 ^ (0 - (difference >> 63));
    while (z >= 0x80) {
      bytes[size++] = static_cast<char>(z | 0x80);
      z >>= 7;
    }
    bytes[size++] = static_cast<char>(z);
  }
  std::size_t Room() const { return kBytes - size; }
  void Clear() { size = 0, before = 0, used = false; }
};

}  // namespace stranded::internal

#endif  // STRANDED_RUNTIME_HOOKS_RECORDER_ROW_COLUMN_H_
