// A set of ids that were given out one after the other: 512 of them to a line of the cache.
//
// Overview: a walk meets ids mostly in their order, so the page of the last one is looked at first.
// Thread safety: none.
#ifndef STRANDED_RUNTIME_HOOKS_RECORDER_ID_SET_H_
#define STRANDED_RUNTIME_HOOKS_RECORDER_ID_SET_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/container/flat_hash_map.h"

namespace stranded::internal {

class IdSet {
 public:
  // True if it was not there before.
  bool insert(std::uint64_t id) {
    const std::uint64_t number = id / kPageIds;
    if (number != last_number_ || pages_.empty()) [[unlikely]]
      Turn(number);
    std::uint64_t& word = pages_[last_][id % kPageIds / 64];
    const std::uint64_t bit = std::uint64_t{1} << id % 64;
    const bool fresh = (word & bit) == 0;
    word |= bit;
    return fresh;
  }
  bool contains(std::uint64_t id) const {
    const std::uint64_t number = id / kPageIds;
    if (number != last_number_ || pages_.empty()) [[unlikely]] {
      const auto it = numbers_.find(number);
      if (it == numbers_.end()) return false;
      last_number_ = number;
      last_ = it->second;
    }
    return (pages_[last_][id % kPageIds / 64] >> id % 64 & 1) != 0;
  }

 private:
  static constexpr std::size_t kPageIds = 512;
  using Page = std::array<std::uint64_t, kPageIds / 64>;

  __attribute__((noinline)) void Turn(std::uint64_t number) {
    const auto [it, fresh] = numbers_.try_emplace(number, pages_.size());
    if (fresh) pages_.emplace_back();
    last_number_ = number;
    last_ = it->second;
  }

  std::vector<Page> pages_;
  absl::flat_hash_map<std::uint64_t, std::size_t> numbers_;
  mutable std::uint64_t last_number_ = 0;  // of pages_[last_]
  mutable std::size_t last_ = 0;
};

}  // namespace stranded::internal

#endif  // STRANDED_RUNTIME_HOOKS_RECORDER_ID_SET_H_
