// Tasks that end before their functions do.
//
// Overview: the explorer runs a body thousands of times; what one run leaves stuck is unwound, so
// that memory does not grow: the blocking operation throws TaskUnwound and destructors run. A
// virtual patch ends single tasks in the same way, but there the world goes on.
// What a reclaimed task does meanwhile: blocking operations, sends, spawns and cancels in its
// destructors do nothing. Unlock, Done and Signal work, so that locks outside the body are free for
// the next run, unless their object is gone: a stuck task may hold a reference to a lock in a frame
// that has returned. A wait in a destructor that may not throw cannot be unwound: then the task
// stays where it is, for good.
// Thread safety: objects come and go, and conditions are waited for, on any thread; the rest is for
// the thread of the controlled world.
// Invariants: an object is in the list of the gone from its destructor, if it was in use then, or
// may be again, until another one is made at its address or the world ends.
#ifndef STRANDED_RUNTIME_HOOKS_SCHEDULER_RECLAIM_H_
#define STRANDED_RUNTIME_HOOKS_SCHEDULER_RECLAIM_H_

#include "runtime_hooks/scheduler/world.h"

namespace stranded::internal {

// Called by the constructor and destructor of sync objects; cheap while nobody explores.
void NoteSyncMade(const SyncBase* object);
void NoteSyncGone(const SyncBase* object);
bool IsGone(const SyncBase* object);
// While a task waits for a condition nothing shows that it will unlock the lock of that again.
class UnlockedMeanwhile {
 public:
  explicit UnlockedMeanwhile(const Task* self);
  ~UnlockedMeanwhile();
  UnlockedMeanwhile(const UnlockedMeanwhile&) = delete;
  UnlockedMeanwhile& operator=(const UnlockedMeanwhile&) = delete;

 private:
  const bool counts_;
};
// While at least one is open, objects that go while in use are noted.
void BeginNotingGone();
void EndNotingGone();

// At a blocking operation of a task that is being unwound: throws TaskUnwound, or returns if an
// exception is on its way already.
void UnwindHere(Task* self);
// Behind a wait that came to its end: main was unwound before the task could go on, and what the
// task refers to may have gone with it. Where it cannot be unwound, it stays.
inline void UnwindIfReclaimed(Task* self) {
  if (self->unwinding == Unwinding::kReclaims) [[unlikely]]
    ThrowInterrupted(self, WakeReason::kReclaim);
}
// The wait of `w` was over before its task was reclaimed: what kept it waiting may be gone. While
// it is still queued, what it is queued on is there for it.
inline bool ServedTooLate(const Task* self, const Waiter& w) {
  return self->unwinding == Unwinding::kReclaims && !w.queued;
}
// std::terminate in a task that is being unwound parks it for good instead.
void InstallTerminateGuard();

}  // namespace stranded::internal

#endif  // STRANDED_RUNTIME_HOOKS_SCHEDULER_RECLAIM_H_
