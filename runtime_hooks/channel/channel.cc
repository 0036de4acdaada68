#include "stranded/channel.h"

#include <new>
#include <string>

#include "runtime_hooks/channel/chan_steps.h"
#include "runtime_hooks/recorder/state_table.h"
#include "runtime_hooks/scheduler/patches.h"

namespace stranded::internal {
namespace {

std::atomic<std::uint64_t> next_channel_id{1};

// Polls that find nothing need no lock, and who polled last is noted now and then only.
__attribute__((always_inline)) inline bool VainTry(const ChanCore* chan, Task* self,
                                                   std::uint64_t wanted,
                                                   const std::source_location& site) {
  if (self == nullptr || chan == nullptr || !self->plain) [[unlikely]]
    return false;
  const std::uint64_t glance = chan->glance.load(std::memory_order_acquire);
  if ((glance & (wanted | ChanCore::kPolled)) != ChanCore::kPolled) return false;
  if (--self->unsaid == 0) [[unlikely]] {
    self->unsaid = Task::kSayEvery;
    return false;
  }
  NoteOp(self, wanted == ChanCore::kMaySend ? WaitKind::kChanSend : WaitKind::kChanRecv, chan,
         site);
  return true;
}

void NoteTryFailed(ChanCore* chan, Task* self, bool send, const std::source_location& site)
    ABSL_EXCLUSIVE_LOCKS_REQUIRED(chan->lock) {
  if (!self->notes) return;
  SelectCase none;
  none.op = CaseOp::kDefault;
  none.site = site;
  LeftNote(self, none).Leave(chan, send, site, false);
}

}  // namespace

ChanCore::~ChanCore() {
  if (record != nullptr) DropChannelRecord(this);
  for (std::size_t i = 0; i < length; ++i) ops->destroy(At(i));
  if (ring != nullptr) ::operator delete(ring, std::align_val_t{ops->align});
}

ChanCore* NewChan(const ElemOps* ops, std::size_t wanted, const std::source_location& site) {
  return NewChanFor(ChanRole::kUser, 0, ops, PatchedCapacity(wanted, site), site);
}

ChanCore* NewChanFor(ChanRole role, std::uint64_t context_id, const ElemOps* ops,
                     std::size_t capacity, const std::source_location& site) {
  Task* self = CurrentTask();
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
  chan->role = role;
  chan->context_id = context_id;
  chan->site = site;
  chan->creator_task = self->id;
  chan->created_ns = self->world->coarse_ns();
  chan->world_id = self->world->id();
  chan->glance.store(static_cast<std::uint32_t>(chan->id << ChanCore::kGlanceIdShift),
                     std::memory_order_relaxed);
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

TryResult ChanTrySend(ChanCore* chan, void* value, const std::source_location& site) {
  Task* self = CurrentTask();
  if (VainTry(chan, self, ChanCore::kMaySend, site)) return TryResult::kWouldBlock;
  if (!TransferPoint(self, WaitKind::kChanSend, chan, site)) return TryResult::kWouldBlock;
  bool closed = false;
  if (chan != nullptr) {
    SpinGuard guard(chan->lock);
    chan->NotePolled();
    closed = chan->closed;
    if (!closed) {
      if (SendNow(chan, self, value, site)) return TryResult::kDone;
      NoteTryFailed(chan, self, true, site);
    }
  }
  if (closed) ThrowSendOnClosed(chan, site);
  Here()->EndRecordedRun();
  self->world->Fruitless(self);
  return TryResult::kWouldBlock;
}

namespace {

__attribute__((noinline)) TryResult TryRecvLocked(ChanCore* chan, void* room,
                                                  const std::source_location& site) {
  Task* self = CurrentTask();
  if (!TransferPoint(self, WaitKind::kChanRecv, chan, site)) return TryResult::kClosed;
  if (chan != nullptr) {
    SpinGuard guard(chan->lock);
    chan->NotePolled();
    bool received = false;
    if (RecvNow(chan, self, room, &received, site)) {
      return received ? TryResult::kDone : TryResult::kClosed;
    }
    NoteTryFailed(chan, self, false, site);
  }
  Here()->EndRecordedRun();
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
bool ForgivesClose(ChanCore* chan, const std::source_location& site) {
  {
    SpinGuard guard(chan->lock);
    if (!std::exchange(chan->closed_by_patch, false)) return false;
  }
  NoteClosedAgain(chan->site, site);
  return true;
}

[[noreturn]] void ThrowClosedTwice(ChanCore* chan, const std::source_location& site) {
  std::source_location first;
  {
    SpinGuard guard(chan->lock);
    first = chan->closed_site;
  }
  const auto place = [](const std::source_location& at) {
    return std::string(at.file_name()) + ":" + std::to_string(at.line());
  };
  throw ClosedChannelError("close of a channel that was closed before, at " + place(site) +
                           "; made at " + place(chan->site) + ", first closed at " + place(first));
}

}  // namespace

void ChanClose(ChanCore* chan, const std::source_location& site) {
  Task* self = CurrentTask();
  if (!SchedulePoint(self, WaitKind::kNone, chan, site)) return;
  if (chan == nullptr) throw ClosedChannelError("close of a nil channel");
  const bool closed = CloseNow(chan, self->id, site);
  if (!closed && !ForgivesClose(chan, site)) ThrowClosedTwice(chan, site);
}

std::size_t ChanSize(ChanCore* chan) {
  if (chan == nullptr) return 0;
  Look(chan);
  std::size_t length = 0;
  std::uint64_t sender = 0;
  {
    SpinGuard guard(chan->lock);
    chan->observed_size = true;
    length = chan->length;
    sender = chan->last_sender.task;
  }
  // Whoever sees the values of others comes after their sends.
  const Task* self = CurrentTaskOrNull();
  const bool own = self != nullptr && self->id == sender;
  if (length > 0 && !own) RecordLook(WaitKind::kChanRecv, chan->id, {});
  return length;
}

std::size_t ChanCapacity(const ChanCore* chan) { return chan == nullptr ? 0 : chan->capacity; }

}  // namespace stranded::internal
