#include "stranded/rw_mutex.h"

#include <cstddef>
#include <type_traits>

#include "runtime_hooks/recorder/events.h"
#include "runtime_hooks/scheduler/reclaim.h"
#include "runtime_hooks/sync/force_release.h"
#include "runtime_hooks/sync/misuse.h"
#include "runtime_hooks/sync/sync_park.h"
#include "stranded/errors.h"

namespace stranded {
using internal::EventKind;
using internal::ParkOutcome;
using internal::ParkResult;
using internal::SyncBase;
using internal::Task;
using internal::Waiter;
using internal::WaitKind;

namespace {

enum LockMode : std::uint32_t { kRead = 1, kWrite = 2 };

// Notes the read lock with its reader. False if its list is full.
bool NoteHeld(Task* self, const SyncBase* base, const std::source_location& site) {
  if (self->held_count >= Task::kHeldMax) return false;
  self->held[self->held_count++] = {base, site};
  return true;
}

// The newest one first, as guards do. False if this task has none in its list.
bool DropHeld(Task* self, const SyncBase* base) {
  for (int i = self->held_count; i-- > 0;) {
    if (self->held[i].lock != base) continue;
    for (int j = i + 1; j < self->held_count; ++j) self->held[j - 1] = self->held[j];
    --self->held_count;
    return true;
  }
  return false;
}

// With base->lock held.
bool TakeRead(Task* self, SyncBase* base, const std::source_location& site) {
  if (base->holder != 0 || !base->waiters.empty()) return false;
  ++base->readers;
  base->last_add = {self->id, site};
  if (!NoteHeld(self, base, site)) base->readers_uncertain = true;
  return true;
}

bool TakeWrite(Task* self, SyncBase* base, const std::source_location& site) {
  if (base->holder != 0 || base->readers != 0) return false;
  base->holder = self->id;
  base->holder_site = site;
  return true;
}

}  // namespace

RWMutex::~RWMutex() ABSL_NO_THREAD_SAFETY_ANALYSIS {
  const SyncBase* left = internal::RetireSync(&base_);
  // Left locked, or unlocked by another task than locked it: some task still has it in its list.
  if (base_.readers != 0 || base_.readers_uncertain) internal::MoveReaders(&base_, left);
}

// A waiter gave up: it may have been the writer that kept readers out.
void RWMutex::LeftQueue() ABSL_NO_THREAD_SAFETY_ANALYSIS {
  internal::SpinGuard guard(base_.lock);
  if (base_.holder != 0 || base_.waiters.empty()) return;
  if (base_.waiters.front()->mode == kRead) GrantReaders(&base_);
}

void RWMutex::Lock(std::source_location loc) ABSL_NO_THREAD_SAFETY_ANALYSIS {
  Task* self = internal::CurrentTask();
  if (!SchedulePoint(self, WaitKind::kRwMutexLock, &base_, loc)) return;
  base_.lock.Lock();
  if (TakeWrite(self, &base_, loc)) {
    base_.lock.Unlock();
    Record(EventKind::kLock, self->id, base_.id, loc);
    return;
  }
  Waiter waiter;
  waiter.mode = kWrite;
  const ParkOutcome outcome =
      ParkOnSync(self, &base_, &base_.waiters, &waiter, WaitKind::kRwMutexLock, loc);
  if (outcome.result == ParkResult::kGranted) {
    Record(EventKind::kLock, self->id, base_.id, loc);
    return;
  }
  if (outcome.result == ParkResult::kInterrupted) LeftQueue();
  ThrowUnlessUnwinding(self, outcome.reason);
  if (outcome.result == ParkResult::kInterrupted) OweUnlock(self, &base_, false);
}

bool RWMutex::TryLock(std::source_location loc) ABSL_NO_THREAD_SAFETY_ANALYSIS {
  Task* self = internal::CurrentTask();
  if (!SchedulePoint(self, WaitKind::kRwMutexLock, &base_, loc)) return false;
  base_.lock.Lock();
  const bool taken = TakeWrite(self, &base_, loc);
  base_.lock.Unlock();
  if (taken) {
    Record(EventKind::kLock, self->id, base_.id, loc, internal::kLockTried);
  } else {
    self->world->Fruitless(self);
  }
  return taken;
}

void RWMutex::Unlock(std::source_location loc) ABSL_NO_THREAD_SAFETY_ANALYSIS {
  Task* self = internal::CurrentTask();
  if (!ReleasePoint(self, &base_, loc)) return;
  base_.lock.Lock();
  if (base_.holder != self->id) {
    base_.lock.Unlock();
    if (PayUnlock(self, &base_, false)) return;
    base_.lock.Lock();
    if (base_.holder == 0 || self->unwinding == internal::Unwinding::kReclaims) {
      base_.lock.Unlock();
      if (self->unwinding != internal::Unwinding::kNone) return;
      internal::ThrowMisuse("unlock of an RWMutex that is not locked for writing", base_, loc);
    }
  }
  base_.last_done = internal::SyncPeer{self->id, loc};
  Record(EventKind::kUnlock, self->id, base_.id, loc);
  base_.holder = 0;
  GrantReaders(&base_);
  if (base_.readers == 0) GrantWriter(&base_);
  base_.lock.Unlock();
}

void RWMutex::RLock(std::source_location loc) ABSL_NO_THREAD_SAFETY_ANALYSIS {
  Task* self = internal::CurrentTask();
  if (!SchedulePoint(self, WaitKind::kRwMutexRLock, &base_, loc)) return;
  base_.lock.Lock();
  if (TakeRead(self, &base_, loc)) {
    base_.lock.Unlock();
    Record(EventKind::kLock, self->id, base_.id, loc, internal::kLockShared);
    return;
  }
  Waiter waiter;
  waiter.mode = kRead;
  const ParkOutcome outcome =
      ParkOnSync(self, &base_, &base_.waiters, &waiter, WaitKind::kRwMutexRLock, loc);
  if (outcome.result == ParkResult::kGranted) {
    Record(EventKind::kLock, self->id, base_.id, loc, internal::kLockShared);
    if (NoteHeld(self, &base_, loc)) return;
    internal::SpinGuard guard(base_.lock);
    base_.readers_uncertain = true;
    return;
  }
  ThrowUnlessUnwinding(self, outcome.reason);
  if (outcome.result == ParkResult::kInterrupted) OweUnlock(self, &base_, true);
}

bool RWMutex::TryRLock(std::source_location loc) ABSL_NO_THREAD_SAFETY_ANALYSIS {
  Task* self = internal::CurrentTask();
  if (!SchedulePoint(self, WaitKind::kRwMutexRLock, &base_, loc)) return false;
  base_.lock.Lock();
  const bool taken = TakeRead(self, &base_, loc);
  base_.lock.Unlock();
  if (taken) {
    Record(EventKind::kLock, self->id, base_.id, loc, internal::kLockShared | internal::kLockTried);
  } else {
    self->world->Fruitless(self);
  }
  return taken;
}

void RWMutex::RUnlock(std::source_location loc) ABSL_NO_THREAD_SAFETY_ANALYSIS {
  Task* self = internal::CurrentTask();
  if (!ReleasePoint(self, &base_, loc)) return;
  const bool own = DropHeld(self, &base_);
  if (!own && PayUnlock(self, &base_, true)) return;
  if (!own && self->unwinding == internal::Unwinding::kReclaims) return;
  base_.lock.Lock();
  if (base_.readers == 0) {
    base_.lock.Unlock();
    if (self->unwinding != internal::Unwinding::kNone) return;
    internal::ThrowMisuse("RUnlock of an RWMutex that is not locked for reading", base_, loc);
  }
  if (!own) base_.readers_uncertain = true;
  base_.last_done = internal::SyncPeer{self->id, loc};
  Record(EventKind::kUnlock, self->id, base_.id, loc, internal::kLockShared);
  // Only writers wait while there are readers, or readers behind them: the first one is a writer.
  if (--base_.readers == 0) GrantWriter(&base_);
  base_.lock.Unlock();
}

void ReadLocker::Lock(std::source_location loc) ABSL_NO_THREAD_SAFETY_ANALYSIS {
  mutex_->RLock(loc);
}
bool ReadLocker::TryLock(std::source_location loc) ABSL_NO_THREAD_SAFETY_ANALYSIS {
  return mutex_->TryRLock(loc);
}
void ReadLocker::Unlock(std::source_location loc) ABSL_NO_THREAD_SAFETY_ANALYSIS {
  if (internal::CurrentTask()->unwinding == internal::Unwinding::kReclaims) [[unlikely]] {
    // With the RWMutex around it this may be gone, and the pointer in it.
    static_assert(std::is_standard_layout_v<RWMutex>);
    const char* const around =
        reinterpret_cast<const char*>(this) - offsetof(RWMutex, read_locker_);
    if (internal::IsGone(&reinterpret_cast<const RWMutex*>(around)->base_)) return;
  }
  mutex_->RUnlock(loc);
}

}  // namespace stranded
