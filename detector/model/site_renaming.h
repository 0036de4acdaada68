// Other ids for some sites.
#ifndef STRANDED_DETECTOR_MODEL_SITE_RENAMING_H_
#define STRANDED_DETECTOR_MODEL_SITE_RENAMING_H_

#include <cstddef>
#include <cstdint>
#include <numeric>
#include <vector>

#include "absl/container/flat_hash_map.h"

namespace stranded::detector {

using SiteId = std::uint32_t;

class SiteRenaming {
 public:
  void Add(SiteId from, SiteId to) {
    empty_ = false;
    if (from >= kLow) {
      high_[from] = to;
      return;
    }
    if (const std::size_t known = low_.size(); from >= known) {
      low_.resize(std::size_t{from} + 1);
      std::iota(low_.begin() + static_cast<std::ptrdiff_t>(known), low_.end(),
                static_cast<SiteId>(known));
    }
    low_[from] = to;
  }
  SiteId Of(SiteId id) const {
    if (id < low_.size()) return low_[id];
    const auto it = high_.find(id);
    return it == high_.end() ? id : it->second;
  }
  bool empty() const { return empty_; }

 private:
  // Programs number their sites from 1, so an event's site is looked up without a hash.
  static constexpr SiteId kLow = 1 << 16;
  std::vector<SiteId> low_;
  absl::flat_hash_map<SiteId, SiteId> high_;
  bool empty_ = true;
};

}  // namespace stranded::detector

#endif  // STRANDED_DETECTOR_MODEL_SITE_RENAMING_H_
