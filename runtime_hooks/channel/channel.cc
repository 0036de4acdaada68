#include "stranded/channel.h"

#include <new>
#include <string>

#include "runtime_hooks/channel/chan_steps.h"
#include "runtime_hooks/recorder/state_table.h"
#include "runtime_hooks/scheduler/patches.h"

namespace stranded::internal {
namespace {

std::atomic<std::uint64_t> next_channel_id{1};

// A virtual patch ended the wait. What would a program do whose operation has a context case now? A
// sender goes on without its value, a receiver as if the channel were closed. One that comes back
// for more has a loop around it, which the case would leave.
bool GoesOn(Task* self, bool send) {
  constexpr std::uint32_t kSends = 1000, kReceives = 1;
  return ++self->gave_up <= (send ? kSends : kReceives);
}

// Parks as the only waiter `w` of `chan`, whose lock is held and given up. True if the operation
// went through, false if the channel was closed meanwhile.
__attribute__((always_inline)) inline bool ParkOn(ChanCore* chan, Task* self, Waiter* w,
                                                  WaitKind kind, bool range, SelectCase* shown)
    ABSL_UNLOCK_FUNCTION(chan->lock) ABSL_NO_THREAD_SAFETY_ANALYSIS {
  const bool send = kind == WaitKind::kChanSend;
  w->task = self;
  w->slot = shown->slot;
  w->site = shown->site;
  Offer(chan, w, send);
  BeginWait(self, kind, shown->site, WaitNowNs(self));
  self->wait.range = range;
  self->wait.cases = shown;
  self->wait.case_count = 1;
  const WakeReason reason = ParkHere(self, &UnlockAfterSwitch<BiasedLock>, &chan->lock);
  if (reason != WakeReason::kWoken) [[unlikely]] {
    chan->lock.Lock();
    const bool waiting = w->queued;
    const bool last = waiting && Withdraw(chan, w, send);
    chan->lock.Unlock();
    if (last) ReleaseOrphan(chan);
    if (waiting) {
      if (reason == WakeReason::kGiveUp && GoesOn(self, send)) return send;
      ThrowInterrupted(self, reason);
    }
  }
  return w->success;
}

// Polls that find nothing need no lock, and who polled last is noted now and then only.
__attribute__((always_inline)) inline bool VainTry(const ChanCore* chan, Task* self,
                                                   std::uint64_t wanted,
                                                   const std::source_location& site) {
  constexpr std::uint32_t kNoteEvery = 64;
  if (self == nullptr || chan == nullptr || !self->plain) return false;
  if ((chan->glance.load(std::memory_order_acquire) & wanted) != 0) return false;
  if (!chan->observed_try.load(std::memory_order_relaxed)) return false;
  if (self->vain_polls++ % kNoteEvery == 0) return false;
  NoteOp(self, wanted == ChanCore::kMaySend ? WaitKind::kChanSend : WaitKind::kChanRecv, chan,
         site);
  return true;
}

void NoteTryFailed(ChanCore* chan, Task* self, bool send, const std::source_location& site) {
  if (!noting.load(std::memory_order_relaxed)) return;
  NoteLeft(chan, self->id, self->world->coarse_ns(), send, site,
           Departure{.site = site, .op = CaseOp::kDefault});
}

}  // namespace

ChanCore::~ChanCore() {
  if (record != nullptr) DropChannelRecord(this);
  for (std::size_t i = 0; i < length; ++i) ops->destroy(At(i));
  if (ring != nullptr) ::operator delete(ring, std::align_val_t{ops->align});
}

ChanCore* NewChan(const ElemOps* ops, std::size_t wanted, const std::source_location& site) {
  Task* self = CurrentTask();
  const std::size_t capacity = PatchedCapacity(wanted, site);
  unsigned char* ring = nullptr;
  if (capacity > 0) {
    std::size_t bytes = 0;
    if (__builtin_mul_overflow(capacity, ops->size, &bytes)) throw std::bad_array_new_length();
    ring = static_cast<unsigned char*>(::operator new(bytes, std::align_val_t{ops->align}));
  }
  ChanCore* chan = ChanSlab().NewUnpublished();
  chan->id = next_channel_id.fetch_add(1, std::memory_order_relaxed);
  chan->ops = ops;
  chan->capacity = capacity;
  chan->ring = ring;
  chan->site = site;
  chan->creator_task = self->id;
  chan->created_ns = self->world->coarse_ns();
  chan->world_id = self->world->id();
  chan->glance.store(chan->id << ChanCore::kGlanceIdShift, std::memory_order_relaxed);
  {
    SpinGuard guard(chan->lock);
    chan->Touch();
  }
  ChanSlab().Publish(chan);
  return chan;
}

void RefChan(ChanCore* chan) { Slab<ChanCore>::Ref(chan); }

void UnrefChan(ChanCore* chan) {
  if (!Slab<ChanCore>::Unref(chan)) return;
  {
    SpinGuard guard(chan->lock);
    if (!chan->senders.empty() || !chan->receivers.empty()) {
      // Nobody can reach it any more but those who wait: for ever, unless they are interrupted.
      chan->orphaned = true;
      Slab<ChanCore>::Publish(chan);
      return;
    }
  }
  ChanSlab().Free(chan);
}

void ReleaseOrphan(ChanCore* chan) { UnrefChan(chan); }

void SetChanRole(ChanCore* chan, ChanRole role, std::uint64_t context_id) {
  SpinGuard guard(chan->lock);
  chan->role = role;
  chan->context_id = context_id;
}

void ChanSend(ChanCore* chan, void* value, const std::source_location& site) {
  Task* self = CurrentTask();
  if (!SchedulePoint(self, WaitKind::kChanSend, chan, site)) return;
  SelectCase shown;
  shown.op = CaseOp::kSend;
  shown.chan = chan;
  shown.slot = value;
  shown.site = site;
  if (chan == nullptr) ParkForever(self, WaitKind::kChanSendNil, &shown, 1, site);
  chan->lock.Lock();
  if (chan->closed) {
    chan->lock.Unlock();
    ThrowSendOnClosed(chan, site);
  }
  if (SendNow(chan, self, value, site)) {
    chan->lock.Unlock();
    return;
  }
  Waiter w;
  if (!ParkOn(chan, self, &w, WaitKind::kChanSend, false, &shown)) ThrowSendOnClosed(chan, site);
}

bool ChanRecv(ChanCore* chan, void* room, bool range, const std::source_location& site) {
  Task* self = CurrentTask();
  if (!SchedulePoint(self, WaitKind::kChanRecv, chan, site)) return false;
  SelectCase shown;
  shown.op = CaseOp::kRecv;
  shown.chan = chan;
  shown.slot = room;
  shown.site = site;
  if (chan == nullptr) ParkForever(self, WaitKind::kChanRecvNil, &shown, 1, site);
  chan->lock.Lock();
  bool received = false;
  if (RecvNow(chan, self, room, &received, site)) {
    chan->lock.Unlock();
    return received;
  }
  Waiter w;
  return ParkOn(chan, self, &w, WaitKind::kChanRecv, range, &shown);
}

TryResult ChanTrySend(ChanCore* chan, void* value, const std::source_location& site) {
  Task* self = CurrentTask();
  if (VainTry(chan, self, ChanCore::kMaySend, site)) return TryResult::kWouldBlock;
  if (!SchedulePoint(self, WaitKind::kChanSend, chan, site)) return TryResult::kWouldBlock;
  bool closed = false;
  if (chan != nullptr) {
    SpinGuard guard(chan->lock);
    chan->observed_try.store(true, std::memory_order_relaxed);
    closed = chan->closed;
    if (!closed) {
      if (SendNow(chan, self, value, site)) return TryResult::kDone;
      NoteTryFailed(chan, self, true, site);
    }
  }
  if (closed) ThrowSendOnClosed(chan, site);
  self->world->Fruitless(self);
  return TryResult::kWouldBlock;
}

namespace {

__attribute__((noinline)) TryResult TryRecvLocked(ChanCore* chan, void* room,
                                                  const std::source_location& site) {
  Task* self = CurrentTask();
  if (!SchedulePoint(self, WaitKind::kChanRecv, chan, site)) return TryResult::kClosed;
  if (chan != nullptr) {
    SpinGuard guard(chan->lock);
    chan->observed_try.store(true, std::memory_order_relaxed);
    bool received = false;
    if (RecvNow(chan, self, room, &received, site)) {
      return received ? TryResult::kDone : TryResult::kClosed;
    }
    NoteTryFailed(chan, self, false, site);
  }
  self->world->Fruitless(self);
  return TryResult::kWouldBlock;
}

}  // namespace

TryResult ChanTryRecv(ChanCore* chan, void* room, const std::source_location& site) {
  if (VainTry(chan, CurrentTaskOrNull(), ChanCore::kMayRecv, site)) [[likely]]
    return TryResult::kWouldBlock;
  return TryRecvLocked(chan, room, site);
}

namespace {

// A virtual patch closed it before the program did.
bool ForgivesClose(ChanCore* chan) {
  SpinGuard guard(chan->lock);
  return std::exchange(chan->closed_by_patch, false);
}

}  // namespace

void ChanClose(ChanCore* chan, const std::source_location& site) {
  Task* self = CurrentTask();
  if (!SchedulePoint(self, WaitKind::kNone, chan, site)) return;
  if (chan == nullptr) throw ClosedChannelError("close of a nil channel");
  const bool closed = CloseNow(chan, self->id, site);
  if (!closed && !ForgivesClose(chan)) {
    throw ClosedChannelError("close of a channel that was closed before, made at " +
                             std::string(chan->site.file_name()) + ":" +
                             std::to_string(chan->site.line()));
  }
}

std::size_t ChanSize(ChanCore* chan) {
  if (chan == nullptr) return 0;
  SpinGuard guard(chan->lock);
  chan->observed_size = true;
  return chan->length;
}

std::size_t ChanCapacity(const ChanCore* chan) { return chan == nullptr ? 0 : chan->capacity; }

}  // namespace stranded::internal
