// Going from one stack to another.
//
// Overview: SwitchTo leaves `from` and continues `to`, with Boost.Context's fcontext. The caught
// and uncaught exceptions of a thread belong to the task: they are exchanged too. Thread safety:
// `to` must be owned by the calling thread (taken from a queue, or the thread's root). Invariants:
// `after` runs on the stack of `to`, when `from` is saved completely; only then may anybody else
// resume `from`. That is why locks are released there and not before the switch. Ownership: none.
#ifndef STRANDED_RUNTIME_HOOKS_SCHEDULER_FIBER_SWITCH_H_
#define STRANDED_RUNTIME_HOOKS_SCHEDULER_FIBER_SWITCH_H_

#include "runtime_hooks/scheduler/task.h"

namespace stranded::internal {

using AfterSwitch = void (*)(void*);

// Returns when somebody switches back to `from`. If `park`, its state becomes kParked before
// `after` runs.
void SwitchTo(Task* from, Task* to, bool park, AfterSwitch after, void* arg);

// Makes the stack of a new fiber ready to run `entry` (which must not return).
void PrepareFiber(Task* task, void* stack_top, std::size_t usable_bytes);

// Notes the bounds of the calling thread's own stack in its task.
void PrepareRoot(Task* task);
void ReleaseRoot(Task* task);
void ReleaseFiber(Task* task);

inline void SetCurrent(Task* task) { Here()->current = task; }

}  // namespace stranded::internal

#endif  // STRANDED_RUNTIME_HOOKS_SCHEDULER_FIBER_SWITCH_H_
