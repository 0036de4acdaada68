// Going from one stack to another.
//
// Overview: SwitchTo leaves `from` and continues `to` (stack_jump.h). The caught
// and uncaught exceptions of a thread belong to the task: they are exchanged too. Thread safety:
// `to` must be owned by the calling thread (taken from a queue, or the thread's root). Invariants:
// `after` runs on the stack of `to`, when `from` is saved completely; only then may anybody else
// resume `from`. That is why locks are released there and not before the switch. The floating-point
// modes are the task's, errno is kept by Park(). Ownership: none.
//
// In a header: after a switch the processor mispredicts each return that it had predicted for the
// stack it came from, so the fewer calls lie between a blocking operation and its switch the
// better.
#ifndef STRANDED_RUNTIME_HOOKS_SCHEDULER_FIBER_SWITCH_H_
#define STRANDED_RUNTIME_HOOKS_SCHEDULER_FIBER_SWITCH_H_

#include <cstring>

#include "runtime_hooks/scheduler/stack_jump.h"
#include "runtime_hooks/scheduler/stack_pool.h"
#include "runtime_hooks/scheduler/task.h"

namespace stranded::internal {

using AfterSwitch = void (*)(void*);

// What the stack that is left tells the one that is entered.
struct SwitchMessage {
  Task* from;
  bool park;
  AfterSwitch after;
  void* arg;
};

// On the new stack: `from` is saved now. The message lies on its stack, so it is copied first.
inline void ArriveFrom(Arrival from) {
  const SwitchMessage message = *from.message;
  // Release: a snapshot may hold it still already, see ControlledWorld::Park().
  std::atomic_ref<void*>(message.from->sp).store(from.from_sp, std::memory_order_release);
  if (message.park) {
    // Release: whoever wakes or freezes it (acquire) sees the saved stack and the wait record.
    message.from->state.store(Task::kParked, std::memory_order_release);
  }
  if (message.after != nullptr) message.after(message.arg);
}

inline void FinishSwitchForAsan([[maybe_unused]] Task* self) {
#ifdef STRANDED_ASAN
  __sanitizer_finish_switch_fiber(self->asan_fake_stack, nullptr, nullptr);
#endif
}

// Returns when somebody switches back to `from`. If `park`, its state becomes kParked before
// `after` runs.
__attribute__((always_inline)) inline void SwitchTo(Task* from, Task* to, bool park,
                                                    AfterSwitch after, void* arg) {
  SwitchMessage message{from, park, after, arg};
  ThreadBlock* here = Here();
  // What __cxa_get_globals() says belongs to the thread; the block knows where it is, and its own
  // address is never kept across a switch.
  std::memcpy(from->eh_globals, here->exceptions, sizeof(from->eh_globals));
  here->current = to;
  here->EndRuns();
  const Arrival back = JumpTo(from, to, &message);
  FinishSwitchForAsan(from);
  std::memcpy(Here()->exceptions, from->eh_globals, sizeof(from->eh_globals));
  ArriveFrom(back);
}

// The same for a fiber that has finished; `after` gets it.
[[noreturn]] __attribute__((always_inline)) inline void SwitchForGood(Task* from, Task* to,
                                                                      AfterSwitch after) {
  from->dying = true;
#ifdef STRANDED_ASAN
  // A local of a stack that is left for good may lie on its fake stack, which goes before the jump.
  static thread_local SwitchMessage message;
#else
  SwitchMessage message;
#endif
  message = {from, false, after, from};
  ThreadBlock* here = Here();
  here->current = to;
  here->EndRuns();
  JumpForGood(from, to, &message);
}

// What a fiber does from its first to its last moment: its function, and what comes after that.
[[noreturn]] void RunFiber(Task* self);
// Makes the stack of a new fiber ready to run it.
void FiberMain(Arrival from);
inline void PrepareFiber(Task* task, void* stack_top, std::size_t usable_bytes) {
  task->sp = PrepareStack<&FiberMain>(stack_top, usable_bytes);
#ifdef STRANDED_ASAN
  task->stack_low = task->stack->low;
  task->stack_bytes = task->stack->bytes;
#endif
#ifdef STRANDED_TSAN
  task->tsan_fiber = __tsan_create_fiber(0);
  __tsan_set_fiber_name(task->tsan_fiber, task->name().data());
#endif
}

// Notes the bounds of the calling thread's own stack in its task.
void PrepareRoot(Task* task);
void ReleaseRoot(Task* task);
inline void ReleaseFiber([[maybe_unused]] Task* task) {
#ifdef STRANDED_TSAN
  if (task->tsan_fiber != nullptr) __tsan_destroy_fiber(task->tsan_fiber);
  task->tsan_fiber = nullptr;
#endif
}
// Of a fiber that was switched from for good: gives its stack back and the world's reference up;
// then handles keep its record, or nobody.
void EndFiber(Task* task);

inline void SetCurrent(Task* task) {
  Here()->current = task;
  Here()->EndRuns();
}

}  // namespace stranded::internal

#endif  // STRANDED_RUNTIME_HOOKS_SCHEDULER_FIBER_SWITCH_H_
