#include "stranded/mutex.h"

#include "runtime_hooks/recorder/events.h"
#include "runtime_hooks/recorder/state_table.h"
#include "runtime_hooks/sync/misuse.h"
#include "runtime_hooks/sync/sync_park.h"
#include "stranded/errors.h"

namespace stranded {
using internal::EventKind;
using internal::ParkOutcome;
using internal::ParkResult;
using internal::Task;
using internal::WaitKind;

Mutex::~Mutex() { internal::RetireSync(&base_); }

void Mutex::Lock(std::source_location loc) ABSL_NO_THREAD_SAFETY_ANALYSIS {
  Task* self = internal::CurrentTask();
  if (!SchedulePoint(self, WaitKind::kMutexLock, &base_, loc)) return;
  base_.lock.Lock();
  if (base_.holder == 0) [[likely]] {
    base_.holder = self->id;
    base_.holder_site = loc;
    base_.lock.Unlock();
    Record(EventKind::kLock, self->id, base_.id, loc);
    return;
  }
  internal::Waiter waiter;
  const ParkOutcome outcome =
      ParkOnSync(self, &base_, &base_.waiters, &waiter, WaitKind::kMutexLock, loc);
  if (outcome.result == ParkResult::kGranted) {
    Record(EventKind::kLock, self->id, base_.id, loc);
    return;
  }
  ThrowUnlessUnwinding(self, outcome.reason);
  if (outcome.result == ParkResult::kInterrupted) OweUnlock(self, &base_, false);
}

bool Mutex::TryLock(std::source_location loc) ABSL_NO_THREAD_SAFETY_ANALYSIS {
  Task* self = internal::CurrentTask();
  if (!SchedulePoint(self, WaitKind::kMutexLock, &base_, loc)) return false;
  base_.lock.Lock();
  const bool free = base_.holder == 0;
  if (free) {
    base_.holder = self->id;
    base_.holder_site = loc;
  }
  base_.lock.Unlock();
  if (free) {
    Record(EventKind::kLock, self->id, base_.id, loc, internal::kLockTried);
  } else {
    self->world->Fruitless(self);
  }
  return free;
}

void Mutex::Unlock(std::source_location loc) ABSL_NO_THREAD_SAFETY_ANALYSIS {
  Task* self = internal::CurrentTask();
  if (!ReleasePoint(self, &base_, loc)) return;
  base_.lock.Lock();
  if (base_.holder != self->id) [[unlikely]] {
    base_.lock.Unlock();
    if (PayUnlock(self, &base_, false)) return;
    base_.lock.Lock();
    if (base_.holder == 0 || self->unwinding == internal::Unwinding::kReclaims) {
      base_.lock.Unlock();
      if (self->unwinding != internal::Unwinding::kNone) return;
      internal::ThrowMisuse("unlock of an unlocked Mutex", base_, loc);
    }
  }
  base_.last_done = internal::SyncPeer{self->id, loc};
  Record(EventKind::kUnlock, self->id, base_.id, loc);
  if (internal::Waiter* w = base_.waiters.PopFront()) {
    base_.holder = w->task->id;
    base_.holder_site = w->site;
    Wake(w->task);
  } else {
    base_.holder = 0;
  }
  if (base_.record != nullptr) [[unlikely]]
    internal::UpdateSync(&base_);
  base_.lock.Unlock();
}

}  // namespace stranded
