// Memory that is never given back, for slabs and stacks' records.
//
// Overview: cut one piece after the other from mappings, each as large as all before it, so that
// they are few: a mapping, as malloc makes one for each hundred kilobytes, waits for every thread
// that touches new pages meanwhile. From some megabytes on they ask for huge pages, for those who
// go through a million records. Thread safety: any thread. Invariants: what is handed out is zero,
// and no two pieces overlap. Ownership: the process, for ever; leak checkers take it for a root.
#ifndef STRANDED_RUNTIME_HOOKS_REGISTRY_LASTING_MEMORY_H_
#define STRANDED_RUNTIME_HOOKS_REGISTRY_LASTING_MEMORY_H_

#include <cstddef>

namespace stranded::internal {

// On a cache line of its own. Throws std::bad_alloc when there is none.
void* TakeForGood(std::size_t bytes);

}  // namespace stranded::internal

#endif  // STRANDED_RUNTIME_HOOKS_REGISTRY_LASTING_MEMORY_H_
