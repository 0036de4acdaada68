#include "detector/report/line_hash.h"

#include <array>
#include <unordered_map>

#include "absl/strings/str_cat.h"

namespace stranded::detector {
namespace {

constexpr std::size_t kBlock = 100;
constexpr std::uint64_t kFactor = 37;
constexpr std::uint32_t kEnd = 65535;

class LineHasher {
 public:
  explicit LineHasher(std::uint32_t wanted) : wanted_(wanted) {
    for (std::size_t i = 0; i < kBlock; ++i) leaving_ *= kFactor;
  }

  void Add(std::uint32_t c) {
    const bool after_cr = previous_cr_;
    previous_cr_ = false;
    if (c == ' ' || c == '\t' || (after_cr && c == '\n')) return;
    if (c == '\r') {
      c = '\n';
      previous_cr_ = true;
    }
    Finish();
    if (line_start_) {
      line_start_ = false;
      lines_[index_] = ++line_;
    }
    line_start_ = c == '\n';
    Roll(c);
  }

  std::string End() {
    Add(kEnd);
    for (std::size_t i = 0; i < kBlock; ++i) {
      Finish();
      Roll(0);
    }
    return result_;
  }

 private:
  // A block that began with a line has been read in full.
  void Finish() {
    if (lines_[index_] == 0) return;
    const std::uint32_t count = ++counts_[hash_];
    if (lines_[index_] == wanted_) result_ = absl::StrCat(absl::Hex(hash_), ":", count);
    lines_[index_] = 0;
  }
  void Roll(std::uint32_t c) {
    hash_ = kFactor * hash_ + c - leaving_ * window_[index_];
    window_[index_] = c;
    index_ = (index_ + 1) % kBlock;
  }

  std::uint32_t wanted_, line_ = 0;
  std::uint64_t hash_ = 0, leaving_ = 1;
  bool line_start_ = true, previous_cr_ = false;
  std::size_t index_ = 0;
  std::array<std::uint64_t, kBlock> window_{};
  std::array<std::uint32_t, kBlock> lines_{};
  std::unordered_map<std::uint64_t, std::uint32_t> counts_;
  std::string result_;
};

}  // namespace

std::string LineHash(std::string_view source, std::uint32_t number) {
  LineHasher hasher(number);
  // The original reads UTF-16 units.
  for (std::size_t i = 0; i < source.size();) {
    const auto byte = [&](std::size_t k) -> std::uint32_t {
      return k < source.size() ? static_cast<unsigned char>(source[k]) & 0x3F : 0;
    };
    const auto first = static_cast<unsigned char>(source[i]);
    if (first < 0x80) {
      hasher.Add(first);
      i += 1;
    } else if (first < 0xE0) {
      hasher.Add((first & 0x1Fu) << 6 | byte(i + 1));
      i += 2;
    } else if (first < 0xF0) {
      hasher.Add((first & 0x0Fu) << 12 | byte(i + 1) << 6 | byte(i + 2));
      i += 3;
    } else {
      const std::uint32_t point =
          ((first & 0x07u) << 18 | byte(i + 1) << 12 | byte(i + 2) << 6 | byte(i + 3)) - 0x10000;
      hasher.Add(0xD800 + ((point >> 10) & 0x3FF));
      hasher.Add(0xDC00 + (point & 0x3FF));
      i += 4;
    }
  }
  return hasher.End();
}

}  // namespace stranded::detector
