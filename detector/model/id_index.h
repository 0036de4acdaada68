// Positions by id, for ids that were given out one after the other.
//
// Overview: sixteen neighbours share a block, so a million ids take four bytes each and a bit, and
// looking one up touches one line of memory that its neighbours warm, too. Ids far from each other
// take a block each. Where ids are dense from the beginning, blocks are found by an array. Thread
// safety: as a container of the standard library.
#ifndef STRANDED_DETECTOR_MODEL_ID_INDEX_H_
#define STRANDED_DETECTOR_MODEL_ID_INDEX_H_

#include <array>
#include <cstddef>
#include <cstdint>

#include "absl/container/flat_hash_map.h"
#include "detector/model/large_vector.h"

namespace stranded::detector {

class IdIndex {
 public:
  static constexpr std::uint32_t kNone = 0xffffffff;
  static constexpr std::size_t kBlockIds = 16;

  // The place for the position of `id`; kNone if it is new.
  std::uint32_t& At(std::uint64_t id) {
    const std::uint64_t number = id / kBlockIds;
    if (blocks_.empty() || number != last_number_) {
      last_block_ = BlockOf(number);
      last_number_ = number;
    }
    return blocks_[last_block_][id % kBlockIds];
  }
  std::uint32_t Find(std::uint64_t id) const {
    const std::uint64_t number = id / kBlockIds;
    std::uint32_t block = kNone;
    if (number < dense_.size()) {
      block = dense_[number];
    } else if (const auto it = numbers_.find(number); it != numbers_.end()) {
      block = it->second;
    }
    return block == kNone ? kNone : blocks_[block][id % kBlockIds];
  }
  // Whether the id before `id` would share its block: what one more id costs in memory.
  static bool Neighbours(std::uint64_t a, std::uint64_t b) {
    return a / kBlockIds == b / kBlockIds;
  }
  static constexpr std::size_t kBlockBytes = kBlockIds * sizeof(std::uint32_t) + 32;

 private:
  std::uint32_t BlockOf(std::uint64_t number) {
    if (number >= dense_.size() && number < 2 * blocks_.size() + 64) {
      dense_.resize(4 * blocks_.size() + 64, kNone);
      absl::erase_if(numbers_, [this](const auto& entry) {
        if (entry.first >= dense_.size()) return false;
        dense_[entry.first] = entry.second;
        return true;
      });
    }
    std::uint32_t& block =
        number < dense_.size() ? dense_[number] : numbers_.try_emplace(number, kNone).first->second;
    if (block == kNone) {
      block = static_cast<std::uint32_t>(blocks_.size());
      blocks_.emplace_back().fill(kNone);
    }
    return block;
  }

  LargeVector<std::uint32_t> dense_;  // blocks by number, as far as it goes
  absl::flat_hash_map<std::uint64_t, std::uint32_t> numbers_;  // the others
  LargeVector<std::array<std::uint32_t, kBlockIds>> blocks_;
  std::uint64_t last_number_ = 0;  // of the last At()
  std::uint32_t last_block_ = 0;
};

}  // namespace stranded::detector

#endif  // STRANDED_DETECTOR_MODEL_ID_INDEX_H_
