// What is remembered of tasks that are gone, so that a report can name them.
//
// Overview: for each thread a bounded table of the tasks that finished last on it, by id. The peer
// of a stranded task has usually finished: this says what it was called, where it was spawned and
// what it did last. Thread safety: any thread. Writing costs the thread no locked instruction (see
// owner_lock.h). Invariants: one entry per slot (id modulo the size); a newer task replaces an
// older one. The table of a thread that has ended is kept, and taken over by the next thread.
// Ownership: an entry owns its origin.
#ifndef STRANDED_RUNTIME_HOOKS_REGISTRY_FINISHED_H_
#define STRANDED_RUNTIME_HOOKS_REGISTRY_FINISHED_H_

#include <cstdint>
#include <source_location>

#include "runtime_hooks/registry/spawn_node.h"
#include "stranded/internal/wait_kind.h"

namespace stranded::internal {

struct FinishedTask {
  std::uint64_t id = 0;
  Origin origin;
  std::uint64_t context = 0;  // id of the context it ran in
  std::int64_t created_ns = 0;
  WaitKind last_kind = WaitKind::kNone;
  std::source_location last_site{};
};

// Takes over the task's share in its origin.
void RememberFinished(const Task& task);
// True if `id` is remembered; then the caller has a share in `out->origin` and gives it back.
bool FindFinished(std::uint64_t id, FinishedTask* out);
// False: it is not remembered now. A look at a word of each thread's part, without a lock.
bool MayFindFinished(std::uint64_t id);

}  // namespace stranded::internal

#endif  // STRANDED_RUNTIME_HOOKS_REGISTRY_FINISHED_H_
