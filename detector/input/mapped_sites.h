// The places and texts of a mapped file.
#ifndef STRANDED_DETECTOR_INPUT_MAPPED_SITES_H_
#define STRANDED_DETECTOR_INPUT_MAPPED_SITES_H_

#include <string_view>

#include "absl/container/flat_hash_map.h"
#include "detector/input/mapped_blocks.h"
#include "detector/model/snapshot.h"

namespace stranded::detector {

class MappedSites {
 public:
  explicit MappedSites(Dump& dump) : dump_(dump), bytes_(dump.bytes) {}

  void Read(const mapped::Block& block, std::size_t at, std::size_t records);
  // 0 for addresses that nothing explains.
  SiteId IdOf(std::uint64_t key) const {
    const auto it = ids_.find(key);
    return it == ids_.end() ? 0 : it->second;
  }
  std::string_view TypeOf(std::uint64_t key) const {
    const auto it = types_.find(key);
    return it == types_.end() ? std::string_view() : it->second;
  }
  // Empty if it does not lie within the file.
  std::string_view Text(std::uint64_t unit) const;

 private:
  Dump& dump_;
  const std::string_view bytes_;
  absl::flat_hash_map<std::uint64_t, SiteId> ids_;
  absl::flat_hash_map<std::uint64_t, std::string_view> types_;
};

}  // namespace stranded::detector

#endif  // STRANDED_DETECTOR_INPUT_MAPPED_SITES_H_
