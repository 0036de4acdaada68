#include "stranded/cond.h"

#include "runtime_hooks/recorder/events.h"
#include "runtime_hooks/scheduler/reclaim.h"
#include "runtime_hooks/sync/sync_park.h"

namespace stranded {
using internal::ParkResult;
using internal::Task;
using internal::Waiter;
using internal::WaitKind;
using internal::WakeReason;

namespace {

// Waiter::mode. A waiter queues before it unlocks, and what happens until it is parked may itself
// park the task for other reasons: a signal then only takes it out of the queue.
enum HowItWaits : std::uint32_t { kQueued = 0, kParked = 1 };

}  // namespace

Cond::Cond(void* lock, const internal::CondLockOps* ops, const std::source_location& loc)
    : lock_(lock), ops_(ops), base_(internal::SyncKind::kCond, loc) {
  if (const internal::SyncBase* base = ops_->base(lock_)) base_.cond_lock = base->id;
}

// Foreign locks are held by the thread, not by the task: in a controlled world the next task that
// wants such a lock would wait for a task that cannot run. So nobody goes first while one may be
// held.
bool Cond::Point(Task* self, bool waits, const std::source_location& loc) const {
  const bool nobody_first = !self->plain && self->unwinding == internal::Unwinding::kNone;
  const WaitKind kind = waits ? WaitKind::kCondWait : WaitKind::kNone;
  if (nobody_first && ops_->base(lock_) == nullptr &&
      self->world->SkipPoint(self, kind, &base_, loc)) {
    internal::NoteOp(self, kind, &base_, loc);
    return true;
  }
  return waits ? SchedulePoint(self, WaitKind::kCondWait, &base_, loc)
               : ReleasePoint(self, &base_, loc);
}

Cond::~Cond() { internal::RetireSync(&base_); }

namespace {

// The guard around a wait that could not have its lock back unlocks all the same. If the lock is
// gone that does nothing anyway.
void OweUnlockOf(Task* self, const internal::SyncBase* base, bool shared) {
  if (base != nullptr && !internal::IsGone(base)) OweUnlock(self, base, shared);
}

// What a wait keeps of its condition and its lock, which may be gone when it ends.
struct WaitLock {
  void* lock;
  const internal::CondLockOps* ops;
  const internal::SyncBase* base;
};

// Of a task that is reclaimed behind its wait.
void UnwindWithoutLock(Task* self, const WaitLock& with, const std::source_location& loc) {
  if (with.base == nullptr) with.ops->try_lock(with.lock, loc);
  OweUnlockOf(self, with.base, with.ops->shared);
  internal::UnwindHere(self);
}

// Locks again after a wait; if that cannot be, the guard's unlock must do no harm.
void Relock(Task* self, const WaitLock& with, bool interrupted, const std::source_location& loc) {
  const bool reclaimed = self->unwinding == internal::Unwinding::kReclaims;
  if (reclaimed && with.base != nullptr && internal::IsGone(with.base)) {
    if (!interrupted) internal::UnwindHere(self);
    return;
  }
  try {
    if (!interrupted) {
      with.ops->lock(with.lock, loc);
      return;
    }
    if (with.ops->try_lock(with.lock, loc)) return;
  } catch (...) {
    OweUnlockOf(self, with.base, with.ops->shared);
    throw;
  }
  OweUnlockOf(self, with.base, with.ops->shared);
}

}  // namespace

void Cond::Wait(std::source_location loc) ABSL_NO_THREAD_SAFETY_ANALYSIS {
  Task* self = internal::CurrentTask();
  if (!Point(self, true, loc)) return;
  const WaitLock with{lock_, ops_, ops_->base(lock_)};
  const internal::UnlockedMeanwhile unlocked(self);
  Waiter waiter;
  waiter.task = self;
  waiter.site = loc;
  waiter.mode = kQueued;
  base_.lock.Lock();
  base_.waiters.PushBack(&waiter);
  base_.lock.Unlock();
  try {
    with.ops->unlock(with.lock, loc);
  } catch (...) {  // it was not locked
    internal::SpinGuard guard(base_.lock);
    if (waiter.queued) base_.waiters.Remove(&waiter);
    throw;
  }
  if (self->unwinding == internal::Unwinding::kReclaims) [[unlikely]] {  // others went on there
    if (!internal::IsGone(&base_)) {
      internal::SpinGuard guard(base_.lock);
      if (waiter.queued) base_.waiters.Remove(&waiter);
    }
    return UnwindWithoutLock(self, with, loc);
  }
  base_.lock.Lock();
  if (!waiter.queued) {  // signalled already
    base_.lock.Unlock();
    internal::RecordPass(self->id, WaitKind::kCondWait, base_.id, loc);
    Relock(self, with, false, loc);
    return;
  }
  waiter.mode = kParked;
  FillWait(self, WaitKind::kCondWait, &base_, loc);
  const WakeReason reason = Park(self, &base_.lock);
  if (self->unwinding == internal::Unwinding::kReclaims && !waiter.queued) {  // signalled
    return UnwindWithoutLock(self, with, loc);
  }
  ParkResult result = ParkResult::kGranted;
  if (reason != WakeReason::kWoken) result = LeaveQueue(self, &base_, &base_.waiters, &waiter);
  if (result == ParkResult::kOrphaned) {
    OweUnlockOf(self, with.base, with.ops->shared);
    ThrowInterrupted(self, reason);
  }
  if (result == ParkResult::kInterrupted) {
    Relock(self, with, true, loc);
    ThrowInterrupted(self, reason);
  }
  Relock(self, with, false, loc);
}

void Cond::Send(bool all, const std::source_location& loc) ABSL_NO_THREAD_SAFETY_ANALYSIS {
  Task* self = internal::CurrentTask();
  if (!Point(self, false, loc)) return;
  base_.lock.Lock();
  ++base_.signals;
  base_.last_signal = {self->id, loc};
  if (base_.waiters.empty()) ++base_.lost_signals;
  while (Waiter* w = base_.waiters.PopFront()) {
    if (w->mode == kParked) Wake(w->task);
    if (!all) break;
  }
  base_.counter = base_.waiters.size();
  base_.lock.Unlock();
}

void Cond::Signal(std::source_location loc) { Send(false, loc); }
void Cond::Broadcast(std::source_location loc) { Send(true, loc); }

}  // namespace stranded
