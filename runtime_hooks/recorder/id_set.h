// A set of ids that were given out one after the other: 64 of them to a word.
#ifndef STRANDED_RUNTIME_HOOKS_RECORDER_ID_SET_H_
#define STRANDED_RUNTIME_HOOKS_RECORDER_ID_SET_H_

#include <cstdint>

#include "absl/container/flat_hash_map.h"

namespace stranded::internal {

class IdSet {
 public:
  // True if it was not there before.
  bool insert(std::uint64_t id) {
    std::uint64_t& word = words_[id / 64];
    const std::uint64_t bit = std::uint64_t{1} << id % 64;
    const bool fresh = (word & bit) == 0;
    word |= bit;
    return fresh;
  }
  bool contains(std::uint64_t id) const {
    const auto it = words_.find(id / 64);
    return it != words_.end() && (it->second >> id % 64 & 1) != 0;
  }

 private:
  absl::flat_hash_map<std::uint64_t, std::uint64_t> words_;
};

}  // namespace stranded::internal

#endif  // STRANDED_RUNTIME_HOOKS_RECORDER_ID_SET_H_
