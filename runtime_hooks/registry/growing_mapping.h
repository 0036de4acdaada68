// Addresses that are never given back, from few mappings.
//
// Overview: pieces are cut one after the other from mappings, each as large as all before it. A
// mapping takes the kernel's lock of all mappings for itself; a thread that touches new pages
// shares it, again and again, and may keep a mapping waiting for milliseconds: so there are to be
// few. Thread safety: any thread. Invariants: no two pieces overlap. `lock_` is held for a few
// instructions, `mapping_` by the one thread that maps, for as long as that takes. Ownership: the
// process has what was mapped, for ever; what is left of a mapping when the next one is made is
// lost: addresses, no memory.
#ifndef STRANDED_RUNTIME_HOOKS_REGISTRY_GROWING_MAPPING_H_
#define STRANDED_RUNTIME_HOOKS_REGISTRY_GROWING_MAPPING_H_

#include <cstddef>
#include <mutex>

#include "stranded/internal/spin_lock.h"

namespace stranded::internal {

class GrowingMapping {
 public:
  // Maps so much and returns it, or null and errno.
  using Map = char* (*)(std::size_t bytes);
  constexpr explicit GrowingMapping(Map map) : map_(map) {}
  GrowingMapping(const GrowingMapping&) = delete;
  GrowingMapping& operator=(const GrowingMapping&) = delete;

  // Mappings have `least` bytes or more, and `most` at most, but for larger pieces and where there
  // is no room for more than the piece. Null, and errno, if there is none for that.
  char* Take(std::size_t bytes, std::size_t least, std::size_t most);

 private:
  char* Cut(std::size_t bytes);

  const Map map_;
  SpinLock lock_;
  char* unused_ ABSL_GUARDED_BY(lock_) = nullptr;
  char* unused_end_ ABSL_GUARDED_BY(lock_) = nullptr;
  std::mutex mapping_;
  std::size_t mapped_ = 0;  // guarded by mapping_
};

}  // namespace stranded::internal

#endif  // STRANDED_RUNTIME_HOOKS_REGISTRY_GROWING_MAPPING_H_
