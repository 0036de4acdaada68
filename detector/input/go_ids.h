// Which ids were seen.
//
// Overview: a bit for each id, in pages of 512, since ids of goroutines lie close together.
// Thread safety: plain data.
#ifndef STRANDED_DETECTOR_INPUT_GO_IDS_H_
#define STRANDED_DETECTOR_INPUT_GO_IDS_H_

#include <array>
#include <cstdint>
#include <deque>

#include "absl/container/flat_hash_map.h"

namespace stranded::detector {

class GoIds {
 public:
  // False if it was there already.
  bool Insert(std::uint64_t id) {
    if (last_ == nullptr || id >> 9 != last_page_) {
      last_page_ = id >> 9;
      Page*& page = pages_[last_page_];
      if (page == nullptr) page = &kept_.emplace_back();
      last_ = page;
    }
    std::uint64_t& word = (*last_)[id >> 6 & 7];
    const std::uint64_t bit = std::uint64_t{1} << (id & 63);
    const bool fresh = (word & bit) == 0;
    word |= bit;
    return fresh;
  }
  bool Contains(std::uint64_t id) const {
    const auto it = pages_.find(id >> 9);
    return it != pages_.end() && ((*it->second)[id >> 6 & 7] >> (id & 63) & 1) != 0;
  }

 private:
  using Page = std::array<std::uint64_t, 8>;
  absl::flat_hash_map<std::uint64_t, Page*> pages_;
  std::deque<Page> kept_;
  Page* last_ = nullptr;
  std::uint64_t last_page_ = 0;
};

}  // namespace stranded::detector

#endif  // STRANDED_DETECTOR_INPUT_GO_IDS_H_
