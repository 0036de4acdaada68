#include "stranded/wait_group.h"

#include <memory>
#include <new>

#include "runtime_hooks/recorder/events.h"
#include "runtime_hooks/recorder/state_table.h"
#include "runtime_hooks/sync/count_credit.h"
#include "runtime_hooks/sync/force_release.h"
#include "runtime_hooks/sync/misuse.h"
#include "runtime_hooks/sync/sync_park.h"
#include "stranded/errors.h"

namespace stranded {
using internal::CountCredit;
using internal::ParkOutcome;
using internal::ParkResult;
using internal::SyncBase;
using internal::Task;
using internal::Waiter;
using internal::WaitKind;

WaitGroup::~WaitGroup() {
  internal::RetireSync(&base_);
  internal::DropCredit(&base_);
}

namespace {

inline void NoteCount(SyncBase* base, const Task* self, int delta,
                      const std::source_location& loc) {
  if (delta > 0) base->last_add = {self->id, loc};
  if (delta < 0) base->last_done = internal::SyncPeer{self->id, loc};
}

// Gives the lock back.
__attribute__((noinline)) void AddLocked(SyncBase* base, Task* self, int delta,
                                         std::source_location loc)
    ABSL_UNLOCK_FUNCTION(base->lock) ABSL_NO_THREAD_SAFETY_ANALYSIS {
  if (base->credit.load(std::memory_order_relaxed) != nullptr) internal::TakeCreditBack(base);
  if (base->counter + delta < 0) [[unlikely]] {
    const bool patched = internal::HasDonePatch(*base);
    if (patched) base->counter = 0;  // it came to zero before the program brought it there
    base->lock.Unlock();
    if (patched) return;
    if (self->unwinding != internal::Unwinding::kNone) return;
    internal::ThrowMisuse("negative WaitGroup counter", *base, loc);
  }
  base->counter += delta;
  NoteCount(base, self, delta, loc);
  if (base->record != nullptr) [[unlikely]]
    internal::UpdateSync(base);
  if (base->counter == 0) {
    while (Waiter* w = base->waiters.PopFront()) Wake(w->task);
  }
  if (base->counter >= CountCredit::kWorthIt && base->lock.Shared()) [[unlikely]]
    internal::GiveCredit(base, self);
  base->lock.Unlock();
}

// From here on others are waited for.
inline void LeaveGroup(Task* self) {
  self->group.store(0, std::memory_order_relaxed);
  if (self->record != nullptr) [[unlikely]]
    internal::RecordLeftGroup(self);
}

__attribute__((noinline)) void AddWithCredit(SyncBase* base, CountCredit* credit, Task* self,
                                             int delta, const std::source_location& loc)
    ABSL_NO_THREAD_SAFETY_ANALYSIS {
  std::unique_ptr<CountCredit> made;  // freed after the lock is, if another one was faster
  if (delta == -1) {
    if (credit == internal::CreditWanted()) {
      made.reset(new (std::nothrow) CountCredit);  // Done does not fail for that
    } else if (credit->TakeDown(self, loc)) {
      return;
    }
  }
  base->lock.Lock();
  if (made != nullptr) internal::AdoptCredit(base, made);
  AddLocked(base, self, delta, loc);
}

__attribute__((noinline)) void AddSlowly(SyncBase* base, Task* self, int delta,
                                         std::source_location loc) ABSL_NO_THREAD_SAFETY_ANALYSIS {
  base->lock.Lock();
  AddLocked(base, self, delta, loc);
}

// Nobody need be woken, told or asked.
inline bool IsPlainCount(const SyncBase& base, std::int64_t count) {
  return count > 0 && count < CountCredit::kWorthIt && base.record == nullptr &&
         base.credit.load(std::memory_order_relaxed) == nullptr;  // given a moment ago
}

}  // namespace

void WaitGroup::Add(int delta, std::source_location loc) ABSL_NO_THREAD_SAFETY_ANALYSIS {
  Task* self = internal::CurrentTask();
  if (!ReleasePoint(self, &base_, loc)) return;
  if (delta < 0 && self->group.load(std::memory_order_relaxed) == base_.id) LeaveGroup(self);
  // Acquire pairs with the release of AdoptCredit.
  if (CountCredit* credit = base_.credit.load(std::memory_order_acquire)) [[unlikely]] {
    AddWithCredit(&base_, credit, self, delta, loc);
    return;
  }
  if (!base_.lock.TryAsFirst(internal::Here())) [[unlikely]]
    return AddSlowly(&base_, self, delta, loc);
  const std::int64_t count = base_.counter + delta;
  if (!IsPlainCount(base_, count)) [[unlikely]]
    return AddLocked(&base_, self, delta, loc);
  base_.counter = count;
  NoteCount(&base_, self, delta, loc);
  base_.lock.UnlockAsFirst();
}

void WaitGroup::Wait(std::source_location loc) ABSL_NO_THREAD_SAFETY_ANALYSIS {
  Task* self = internal::CurrentTask();
  if (!SchedulePoint(self, WaitKind::kWaitGroupWait, &base_, loc)) return;
  base_.lock.Lock();
  if (internal::CountOf(base_) == 0) {
    base_.lock.Unlock();
    internal::RecordPass(self->id, WaitKind::kWaitGroupWait, base_.id, loc);
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
  const bool reused = internal::CountOf(base_) != 0;
  base_.lock.Unlock();
  if (reused) {
    internal::ThrowMisuse("WaitGroup is reused before a previous Wait has returned", base_, loc);
  }
}

}  // namespace stranded
