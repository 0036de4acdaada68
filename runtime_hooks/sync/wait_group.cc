#include "stranded/wait_group.h"

#include "runtime_hooks/recorder/state_table.h"
#include "runtime_hooks/scheduler/patches.h"
#include "runtime_hooks/sync/sync_park.h"
#include "stranded/errors.h"

namespace stranded {
using internal::ParkOutcome;
using internal::ParkResult;
using internal::Task;
using internal::Waiter;
using internal::WaitKind;

WaitGroup::~WaitGroup() { internal::RetireSync(&base_); }

void WaitGroup::Add(int delta, std::source_location loc) ABSL_NO_THREAD_SAFETY_ANALYSIS {
  Task* self = internal::CurrentTask();
  if (!ReleasePoint(self, &base_, loc)) return;
  base_.lock.Lock();
  if (base_.counter + delta < 0) {
    const bool patched = internal::FindPatch(internal::PatchKind::kDone, base_.site) != nullptr;
    if (patched) base_.counter = 0;  // it came to zero before the program brought it there
    base_.lock.Unlock();
    if (patched) return;
    if (self->unwinding != internal::Unwinding::kNone) return;
    throw MisuseError("negative WaitGroup counter");
  }
  base_.counter += delta;
  if (delta > 0) base_.last_add = {self->id, loc};
  if (delta < 0) base_.last_done = {self->id, loc};
  if (base_.record != nullptr) [[unlikely]]
    internal::UpdateSync(&base_);
  if (base_.counter == 0) {
    while (Waiter* w = base_.waiters.PopFront()) Wake(w->task);
  }
  base_.lock.Unlock();
}

void WaitGroup::Wait(std::source_location loc) ABSL_NO_THREAD_SAFETY_ANALYSIS {
  Task* self = internal::CurrentTask();
  if (!SchedulePoint(self, WaitKind::kWaitGroupWait, &base_, loc)) return;
  base_.lock.Lock();
  if (base_.counter == 0) {
    base_.lock.Unlock();
    return;
  }
  Waiter waiter;
  const ParkOutcome outcome =
      ParkOnSync(self, &base_, &base_.waiters, &waiter, WaitKind::kWaitGroupWait, loc);
  if (outcome.result != ParkResult::kGranted) {
    ThrowUnlessUnwinding(self, outcome.reason);
    return;
  }
  base_.lock.Lock();
  const bool reused = base_.counter != 0;
  base_.lock.Unlock();
  if (reused) throw MisuseError("WaitGroup is reused before a previous Wait has returned");
}

}  // namespace stranded
