// Memory of megabytes, which grows without being copied or cleared anew.
//
// Overview: pages of the system, huge ones where it has them: a million tasks are then a hundred
// page faults instead of fifty thousand, and looking around in them misses the TLB less often.
// Growing moves page tables, not bytes; what nobody wrote to yet takes no memory, so a generous
// size is free. Thread safety: of what is mapped, as memory; the functions are free of state.
// Ownership: the caller's; sizes are multiples of kHugePage.
#ifndef STRANDED_DETECTOR_MODEL_LARGE_MEMORY_H_
#define STRANDED_DETECTOR_MODEL_LARGE_MEMORY_H_

#include <cstddef>

namespace stranded::detector {

inline constexpr std::size_t kHugePage = std::size_t{2} << 20;

constexpr std::size_t WholeHugePages(std::size_t bytes) {
  return (bytes + kHugePage - 1) / kHugePage * kHugePage;
}

// Zeros, at a multiple of kHugePage. Throws std::bad_alloc.
void* MapLarge(std::size_t bytes);
// The same bytes, and zeros behind them, most likely elsewhere. Throws std::bad_alloc; then
// `memory` is as it was.
void* GrowLarge(void* memory, std::size_t bytes, std::size_t new_bytes);
void UnmapLarge(void* memory, std::size_t bytes);

}  // namespace stranded::detector

#endif  // STRANDED_DETECTOR_MODEL_LARGE_MEMORY_H_
