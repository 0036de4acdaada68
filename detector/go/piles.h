// Goroutines that wait at one place, from one creator, for one thing; and what the whole dump says.
#ifndef STRANDED_DETECTOR_GO_PILES_H_
#define STRANDED_DETECTOR_GO_PILES_H_

#include <cstddef>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "detector/go/waits.h"

namespace stranded::detector {

struct GoPile {
  GoWaitKind kind = GoWaitKind::kOther;
  std::uint32_t site = 0, creator = 0;  // frames
  bool leaked = false, library_idle = false, is_main = false;
  bool creator_gone = false;  // the function that started them is on no stack any more
  std::uint64_t count = 0;
  std::uint32_t least_minutes = 0, most_minutes = 0, elided = 0, bubble = 0;
  std::vector<std::uint32_t> groups;
  std::vector<std::uint64_t> ids;  // the first
};

struct GoPicture {
  std::vector<GoPile> piles;
  std::vector<std::uint32_t> pile_of;  // by group
  std::uint64_t count = 0, blocked = 0;
  // Nothing but the goroutine that wrote the dump could run: no input, no timer, no other work.
  bool quiet = false;
};

GoPicture LookAtGo(const GoDumps& all, const GoDump& dump, std::size_t most_ids = 100);

}  // namespace stranded::detector

#endif  // STRANDED_DETECTOR_GO_PILES_H_
