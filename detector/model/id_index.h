// Positions by id, for ids that were given out one after the other.
//
// Overview: sixteen neighbours share a block, so a million ids take four bytes each and a bit, and
// looking one up touches one line of memory that its neighbours warm, too. Ids far from each other
// take a block each. Thread safety: as a container of the standard library.
#ifndef STRANDED_DETECTOR_MODEL_ID_INDEX_H_
#define STRANDED_DETECTOR_MODEL_ID_INDEX_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/container/flat_hash_map.h"

namespace stranded::detector {

class IdIndex {
 public:
  static constexpr std::uint32_t kNone = 0xffffffff;
  static constexpr std::size_t kBlockIds = 16;

  // The place for the position of `id`; kNone if it is new.
  std::uint32_t& At(std::uint64_t id) {
    const std::uint64_t number = id / kBlockIds;
    if (blocks_.empty() || number != last_number_) {
      const auto [it, fresh] =
          numbers_.try_emplace(number, static_cast<std::uint32_t>(blocks_.size()));
      if (fresh) blocks_.emplace_back().fill(kNone);
      last_number_ = number;
      last_block_ = it->second;
    }
    return blocks_[last_block_][id % kBlockIds];
  }
  std::uint32_t Find(std::uint64_t id) const {
    const auto it = numbers_.find(id / kBlockIds);
    return it == numbers_.end() ? kNone : blocks_[it->second][id % kBlockIds];
  }
  // Whether the id before `id` would share its block: what one more id costs in memory.
  static bool Neighbours(std::uint64_t a, std::uint64_t b) {
    return a / kBlockIds == b / kBlockIds;
  }
  static constexpr std::size_t kBlockBytes = kBlockIds * sizeof(std::uint32_t) + 32;

 private:
  absl::flat_hash_map<std::uint64_t, std::uint32_t> numbers_;  // of blocks
  std::vector<std::array<std::uint32_t, kBlockIds>> blocks_;
  std::uint64_t last_number_ = 0;  // of the last At()
  std::uint32_t last_block_ = 0;
};

}  // namespace stranded::detector

#endif  // STRANDED_DETECTOR_MODEL_ID_INDEX_H_
