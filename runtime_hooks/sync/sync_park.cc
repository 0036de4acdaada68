#include "runtime_hooks/sync/sync_park.h"

#include <exception>

#include "runtime_hooks/scheduler/park.h"
#include "runtime_hooks/scheduler/reclaim.h"
#include "runtime_hooks/scheduler/throwing.h"

namespace stranded::internal {
namespace {

std::atomic<std::uint64_t> next_sync_id{1};

}  // namespace

SyncBase::SyncBase(SyncKind kind_of, const std::source_location& made_at)
    : id(next_sync_id.fetch_add(1, std::memory_order_relaxed)), kind(kind_of), site(made_at) {
  NoteSyncMade(this);
  ForgetStaleRead(this);
}

void FillWait(Task* self, WaitKind kind, const SyncBase* base, const std::source_location& site) {
  BeginWait(self, kind, site, WaitNowNs(self));
  self->wait.sync = base;
}

ParkOutcome ParkOnSync(Task* self, SyncBase* base, WaitQueue* queue, Waiter* w, WaitKind kind,
                       const std::source_location& site) ABSL_NO_THREAD_SAFETY_ANALYSIS {
  w->task = self;
  w->site = site;
  queue->PushBack(w);
  FillWait(self, kind, base, site);
  const WakeReason reason = ParkHere(self, &UnlockAfterSwitch<BiasedLock>, &base->lock);
  if (ServedTooLate(self, *w)) [[unlikely]]
    return {ParkResult::kOrphaned, WakeReason::kReclaim};
  if (reason == WakeReason::kWoken) return {};
  return {LeaveQueue(self, base, queue, w), reason};
}

ParkResult LeaveQueue(Task* self, SyncBase* base, WaitQueue* queue,
                      Waiter* w) ABSL_NO_THREAD_SAFETY_ANALYSIS {
  const SyncBase* now = self->wait.sync;
  const bool orphaned = now != base;
  if (orphaned) {  // then it stands in the queue of the tombstone
    base = const_cast<SyncBase*>(now);
    queue = &base->waiters;
  }
  base->lock.Lock();
  const bool queued = w->queued;
  if (queued) queue->Remove(w);
  base->lock.Unlock();
  if (!queued) {
    self->wait.kind = WaitKind::kNone;
    return ParkResult::kGranted;
  }
  return orphaned ? ParkResult::kOrphaned : ParkResult::kInterrupted;
}

void ThrowUnlessUnwinding(Task* self, WakeReason reason) {
  if (std::uncaught_exceptions() == 0 && (reason != WakeReason::kDeadlock || MayThrow())) {
    ThrowInterrupted(self, reason);
  }
  self->wait.kind = WaitKind::kNone;
}

}  // namespace stranded::internal
