// Park and Wake, for the operations that are made of little else.
//
// Overview: the same as Park() and Wake() of task.h, written out where they are called: a fiber of
// a pool goes straight to the next one (see fiber_switch.h for why this is not a call). Thread
// safety, invariants, ownership: those of Park() and Wake().
#ifndef STRANDED_RUNTIME_HOOKS_SCHEDULER_PARK_H_
#define STRANDED_RUNTIME_HOOKS_SCHEDULER_PARK_H_

#include "runtime_hooks/recorder/events.h"
#include "runtime_hooks/recorder/state_table.h"
#include "runtime_hooks/scheduler/biased_lock.h"
#include "runtime_hooks/scheduler/pool_world.h"

namespace stranded::internal {

// Controlled worlds and threads.
WakeReason ParkSlow(Task* self, AfterSwitch after, void* arg);
// What is to be done before an interrupted operation learns of it.
WakeReason Interrupted(Task* self, WakeReason reason);

template <class Lock>
void UnlockAfterSwitch(void* lock) ABSL_NO_THREAD_SAFETY_ANALYSIS {
  static_cast<Lock*>(lock)->Unlock();
}

__attribute__((always_inline)) inline WakeReason ParkHere(Task* self, AfterSwitch after,
                                                          void* arg) {
  if (!self->plain || self->is_thread) [[unlikely]]
    return ParkSlow(self, after, arg);
  const int saved_errno = *Here()->errno_place;
  ++self->park_count;
  const bool traced = tracing.load(std::memory_order_relaxed);
  if (traced) [[unlikely]]
    RecordPark(self);
  const WakeReason reason = PoolWorld::ParkFiber(self, after, arg);
  if (traced) [[unlikely]]
    RecordResume(self);
  *Here()->errno_place = saved_errno;
  if (reason != WakeReason::kWoken) [[unlikely]]
    return Interrupted(self, reason);
  self->wait.kind = WaitKind::kNone;
  return reason;
}

// From parked to runnable; false if it is something else, or frozen.
inline bool EndPark(Task* task) {
  std::uint32_t parked = Task::kParked;
  static_assert(static_cast<int>(WakeReason::kWoken) == 0);
  // Acq_rel: the waker's writes reach the task, and the task's wait record the waker.
  return task->state.compare_exchange_strong(parked, Task::kRunnable, std::memory_order_acq_rel,
                                             std::memory_order_relaxed);
}
// The same, recorded.
bool WakeTraced(Task* task);

// `recorded`: the caller has recorded it.
__attribute__((always_inline)) inline void WakeHere(Task* task, bool recorded = false) {
  const bool records = !recorded && tracing.load(std::memory_order_relaxed);
  if (records ? !WakeTraced(task) : !EndPark(task)) [[unlikely]] {
    Interrupt(task, WakeReason::kWoken, recorded);
    return;
  }
  if (task->is_thread || !task->world->UsesThreads()) [[unlikely]] {
    task->world->Ready(task);
  } else {
    static_cast<PoolWorld*>(task->world)->ReadyFiber(task);
  }
}

}  // namespace stranded::internal

#endif  // STRANDED_RUNTIME_HOOKS_SCHEDULER_PARK_H_
