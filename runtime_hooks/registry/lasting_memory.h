// Memory that is never given back, for slabs and stacks' records.
//
// Overview: pieces of a GrowingMapping. From some megabytes on they ask for huge pages, for those
// who go through a million records. Thread safety: any thread. Invariants: what is handed out is
// zero, and no two pieces overlap. Ownership: the process, for ever; leak checkers take it for a
// root.
#ifndef STRANDED_RUNTIME_HOOKS_REGISTRY_LASTING_MEMORY_H_
#define STRANDED_RUNTIME_HOOKS_REGISTRY_LASTING_MEMORY_H_

#include <cstddef>

namespace stranded::internal {

inline constexpr std::size_t kLastingAlign = 64;  // a cache line

// Aligned to that. Throws std::bad_alloc when there is none.
void* TakeForGood(std::size_t bytes);

}  // namespace stranded::internal

#endif  // STRANDED_RUNTIME_HOOKS_REGISTRY_LASTING_MEMORY_H_
