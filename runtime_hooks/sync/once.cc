#include "stranded/once.h"

#include "runtime_hooks/recorder/events.h"
#include "runtime_hooks/scheduler/reclaim.h"
#include "runtime_hooks/sync/sync_park.h"

namespace stranded {
using internal::ParkOutcome;
using internal::ParkResult;
using internal::Task;
using internal::Waiter;
using internal::WaitKind;

Once::~Once() { internal::RetireSync(&base_); }

void Once::RecordPassed(const std::source_location& loc) const {
  internal::RecordLook(WaitKind::kOnceWait, base_.id, loc);
}

bool Once::Begin(const std::source_location& loc) ABSL_NO_THREAD_SAFETY_ANALYSIS {
  Task* self = internal::CurrentTask();
  if (!SchedulePoint(self, WaitKind::kOnceWait, &base_, loc)) return false;
  base_.lock.Lock();
  // Relaxed: written under the lock.
  if (done_.load(std::memory_order_relaxed)) {
    base_.lock.Unlock();
    internal::RecordPass(self->id, WaitKind::kOnceWait, base_.id, loc);
    return false;
  }
  if (base_.holder == 0) {
    base_.holder = self->id;
    base_.holder_site = loc;
    base_.lock.Unlock();
    return true;
  }
  Waiter waiter;
  const ParkOutcome outcome =
      ParkOnSync(self, &base_, &base_.waiters, &waiter, WaitKind::kOnceWait, loc);
  if (outcome.result != ParkResult::kGranted) ThrowUnlessUnwinding(self, outcome.reason);
  return false;
}

void Once::End() ABSL_NO_THREAD_SAFETY_ANALYSIS {
  const Task* self = internal::CurrentTask();
  if (self->unwinding == internal::Unwinding::kReclaims && internal::IsGone(&base_)) return;
  base_.lock.Lock();
  // Release: whoever sees it without the lock sees what the function did.
  done_.store(true, std::memory_order_release);
  base_.holder = 0;
  while (Waiter* w = base_.waiters.PopFront()) Wake(w->task);
  base_.lock.Unlock();
}

}  // namespace stranded
