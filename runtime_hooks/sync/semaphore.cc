#include "stranded/semaphore.h"

#include "absl/strings/str_cat.h"
#include "runtime_hooks/channel/chan_steps.h"
#include "runtime_hooks/recorder/events.h"
#include "runtime_hooks/scheduler/reclaim.h"
#include "runtime_hooks/sync/misuse.h"
#include "runtime_hooks/sync/sync_park.h"
#include "stranded/errors.h"
#include "stranded/internal/context_ref.h"

namespace stranded {
using internal::ChanCore;
using internal::ParkResult;
using internal::SyncBase;
using internal::Task;
using internal::Waiter;
using internal::WaitKind;
using internal::WakeReason;

namespace {

void CheckAmount(std::int64_t n) {
  if (n < 0) throw MisuseError(absl::StrCat("negative number of semaphore units: ", n));
}

// A wait in two queues at once, as a select: the semaphore's, and that of the context's Done
// channel if it has one. Lock order: channel, then semaphore.
struct DualWait {
  ChanCore* done;
  SyncBase* base;
  Waiter on_units, on_done;

  DualWait(Task* self, ChanCore* channel, SyncBase* semaphore, std::int64_t n,
           const std::source_location& site)
      : done(channel), base(semaphore) {
    for (Waiter* w : {&on_units, &on_done}) {
      w->task = self;
      w->is_select = true;
      w->site = site;
    }
    on_units.amount = n;
  }
  void Lock() ABSL_NO_THREAD_SAFETY_ANALYSIS {
    if (done != nullptr) done->lock.Lock();
    base->lock.Lock();
  }
  // Without a Done channel this wait may be over, and its stack in other use, as soon as the
  // semaphore's lock is free; with one it cannot end before that one's lock is free too.
  void Unlock() ABSL_NO_THREAD_SAFETY_ANALYSIS {
    ChanCore* const last = done;
    base->lock.Unlock();
    if (last != nullptr) last->lock.Unlock();
  }
  WakeReason ParkBoth(Task* self, internal::WaitQueue* queue) {
    // Relaxed: the locks are held, and wakers look at it only under one of them.
    self->select_done.store(false, std::memory_order_relaxed);
    self->wake_waiter = nullptr;
    queue->PushBack(&on_units);
    if (done != nullptr) Offer(done, &on_done, false);
    return Park(
        self, [](void* p) { static_cast<DualWait*>(p)->Unlock(); }, this);
  }
  // Which of the two won; null after an interruption. With no waker left afterwards.
  Waiter* LeaveDone(Task* self) ABSL_NO_THREAD_SAFETY_ANALYSIS {
    if (ServedTooLate(self, on_done)) done = nullptr;
    if (done != nullptr) done->lock.Lock();
    // Acquire: pairs with the claim by the waker.
    const bool won = self->select_done.load(std::memory_order_acquire);
    Waiter* winner = won ? self->wake_waiter : nullptr;
    const bool last = done != nullptr && winner != &on_done && Withdraw(done, &on_done, false);
    if (done != nullptr) done->lock.Unlock();
    if (last) ReleaseOrphan(done);
    return winner;
  }
};

absl::Status GaveUp(const Context& ctx, std::int64_t n, std::int64_t limit) {
  absl::Status err = ctx.Err();
  if (n <= limit) return err;
  return absl::Status(err.code(),
                      absl::StrCat(std::string(err.message()), "; ", n,
                                   " units wanted of a semaphore that has ", limit, " in all"));
}

// One waker only: the semaphore and the context may both try.
bool Claim(Waiter* w) {
  bool expected = false;
  if (!w->task->select_done.compare_exchange_strong(expected, true, std::memory_order_acq_rel)) {
    return false;
  }
  w->task->wake_waiter = w;
  return true;
}

}  // namespace

Semaphore::Semaphore(std::int64_t limit, std::source_location loc)
    : base_(internal::SyncKind::kSemaphore, loc) {
  CheckAmount(limit);
  base_.limit = base_.counter = limit;
}

Semaphore::~Semaphore() { internal::RetireSync(&base_, &too_large_); }

// With the lock held.
void Semaphore::NoteTaker(const Task* task, const std::source_location& site) {
  base_.last_add = {task->id, site};
  base_.taker_keeps = true;
}

// With the lock held: serves from the front as far as the free units go.
void Semaphore::GrantNext() {
  while (Waiter* w = base_.waiters.front()) {
    if (w->amount > base_.counter) return;
    base_.waiters.Remove(w);
    if (!Claim(w)) continue;  // its context ended first
    base_.counter -= w->amount;
    NoteTaker(w->task, w->site);
    Wake(w->task);
  }
}

// As x/sync: whoever finds the context ended has not acquired, even if the grant came first.
absl::Status Semaphore::GiveBack(const Context& ctx,
                                 std::int64_t n) ABSL_NO_THREAD_SAFETY_ANALYSIS {
  base_.lock.Lock();
  base_.counter += n;
  if (base_.last_add.task == internal::CurrentTask()->id) base_.taker_keeps = false;
  GrantNext();
  base_.lock.Unlock();
  return ctx.Err();
}

absl::Status Semaphore::Acquire(const Context& ctx, std::int64_t n,
                                std::source_location loc) ABSL_NO_THREAD_SAFETY_ANALYSIS {
  CheckAmount(n);
  Task* self = internal::CurrentTask();
  if (!SchedulePoint(self, WaitKind::kSemaphoreAcquire, &base_, loc)) return absl::OkStatus();
  const std::int64_t limit = base_.limit;  // the semaphore may be gone when this wait ends
  if (!ctx.Err().ok()) return GaveUp(ctx, n, limit);
  base_.lock.Lock();
  if (n <= base_.counter && base_.waiters.empty()) {
    base_.counter -= n;
    NoteTaker(self, loc);
    base_.lock.Unlock();
    internal::RecordPass(self->id, WaitKind::kSemaphoreAcquire, base_.id, loc);
    return absl::OkStatus();
  }
  base_.lock.Unlock();

  DualWait wait(self, internal::DoneChannelOf(internal::NodeOf(ctx)), &base_, n, loc);
  wait.Lock();
  if (wait.done != nullptr && wait.done->closed) {
    wait.Unlock();
    return GaveUp(ctx, n, limit);
  }
  if (n <= base_.counter && base_.waiters.empty()) {  // released meanwhile
    base_.counter -= n;
    NoteTaker(self, loc);
    wait.Unlock();
    internal::RecordPass(self->id, WaitKind::kSemaphoreAcquire, base_.id, loc);
    return absl::OkStatus();
  }
  const bool hopeless = n > limit;
  internal::WaitQueue* queue = hopeless ? &too_large_ : &base_.waiters;
  FillWait(self, WaitKind::kSemaphoreAcquire, &base_, loc);
  if (wait.done != nullptr) self->wait.done_context = internal::NodeOf(ctx);
  const WakeReason reason = wait.ParkBoth(self, queue);

  const Waiter* winner = wait.LeaveDone(self);
  if (ServedTooLate(self, wait.on_units)) internal::UnwindIfReclaimed(self);
  const ParkResult left = LeaveQueue(self, &base_, queue, &wait.on_units);
  // An interrupted wait can have been granted between the two.
  const bool granted =
      winner == &wait.on_units || (winner == nullptr && left == ParkResult::kGranted);
  if (granted) return ctx.Err().ok() ? absl::OkStatus() : GiveBack(ctx, n);
  // A large request that goes from the front lets the smaller ones behind it in.
  if (left != ParkResult::kOrphaned && !hopeless) {
    internal::SpinGuard guard(base_.lock);
    GrantNext();
  }
  internal::UnwindIfReclaimed(self);
  if (winner != nullptr) return GaveUp(ctx, n, limit);
  ThrowUnlessUnwinding(self, reason);
  return absl::CancelledError("interrupted: the world of this task came to a dead end");
}

bool Semaphore::TryAcquire(std::int64_t n,
                           std::source_location loc) ABSL_NO_THREAD_SAFETY_ANALYSIS {
  CheckAmount(n);
  Task* self = internal::CurrentTask();
  if (!SchedulePoint(self, WaitKind::kSemaphoreAcquire, &base_, loc)) return false;
  base_.lock.Lock();
  const bool taken = n <= base_.counter && base_.waiters.empty();
  if (taken) {
    base_.counter -= n;
    NoteTaker(self, loc);
  }
  base_.lock.Unlock();
  if (taken) {
    internal::RecordPass(self->id, WaitKind::kSemaphoreAcquire, base_.id, loc);
  } else {
    self->world->Fruitless(self);
  }
  return taken;
}

void Semaphore::Release(std::int64_t n, std::source_location loc) ABSL_NO_THREAD_SAFETY_ANALYSIS {
  CheckAmount(n);
  Task* self = internal::CurrentTask();
  if (!ReleasePoint(self, &base_, loc)) return;
  base_.lock.Lock();
  if (n > base_.limit - base_.counter) {
    const std::int64_t held = base_.limit - base_.counter;
    base_.lock.Unlock();
    if (self->unwinding != internal::Unwinding::kNone) return;
    internal::ThrowMisuse(
        absl::StrCat("release of ", n, " semaphore units while ", held, " are held"), base_, loc);
  }
  base_.counter += n;
  base_.last_done = internal::SyncPeer{self->id, loc};
  if (base_.last_add.task == self->id) base_.taker_keeps = false;
  GrantNext();
  base_.lock.Unlock();
}

}  // namespace stranded
