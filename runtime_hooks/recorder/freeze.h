// Holding a parked task still while it is read.
//
// Overview: Freeze sets a bit in the state word of a parked task. A Wake that meets the bit leaves
// a note; Thaw then queues the task. So nobody waits for anybody. Thread safety: any thread; one
// freezer at a time wins. Invariants: between Freeze and Thaw the wait record and the stack do not
// change.
#ifndef STRANDED_RUNTIME_HOOKS_RECORDER_FREEZE_H_
#define STRANDED_RUNTIME_HOOKS_RECORDER_FREEZE_H_

#include "runtime_hooks/scheduler/world.h"

namespace stranded::internal {

// False if it is not parked (any more), or another snapshot holds it.
inline bool Freeze(Task* task) {
  std::uint32_t seen = Task::kParked;
  // Acquire: pairs with the release of the park, so that the wait record is complete.
  return task->state.compare_exchange_strong(seen, Task::kParked | Task::kFrozen,
                                             std::memory_order_acquire);
}

inline void Thaw(Task* task) {
  std::uint32_t seen = Task::kParked | Task::kFrozen;
  // Release: what we read of the record comes before its next use by the task.
  if (task->state.compare_exchange_strong(seen, Task::kParked, std::memory_order_acq_rel)) return;
  const std::uint32_t reason = seen >> Task::kReasonShift << Task::kReasonShift;
  task->state.store(Task::kRunnable | reason, std::memory_order_release);
  task->world->Ready(task);
}

}  // namespace stranded::internal

#endif  // STRANDED_RUNTIME_HOOKS_RECORDER_FREEZE_H_
