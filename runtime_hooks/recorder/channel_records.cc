// Records of channels: kept up for as long as tasks wait there.
#include "runtime_hooks/channel/chan_core.h"
#include "runtime_hooks/recorder/object_records.h"
#include "runtime_hooks/recorder/state_table.h"
#include "runtime_hooks/recorder/task_notes.h"

namespace stranded::internal {
namespace {

void WriteLeft(Ring* ring, mapped::Peer& out, const Departure& left) {
  out.left_op = static_cast<std::uint8_t>(left.op);
  out.left_site = KeyOf(left.site);
  out.left_object = left.object;
  out.left_made = KeyOf(left.made);
  ring->Explain(out.left_site);
  ring->Explain(out.left_made);
}

// What LastOn() says of this side, from register to record.
__attribute__((always_inline)) inline void WritePeer(mapped::Peer& out, const Waiter* waits,
                                                     const ChanPeer& peer) {
  if (waits != nullptr) {
    out.site = KeyOf(waits->site);
    out.task = waits->task->id;
    out.at_ns = waits->task->wait.since_ns;
    out.outcome = static_cast<std::uint8_t>(PeerOutcome::kWaiting);
    return;
  }
  out.site = KeyOf(peer.site);
  out.task = peer.task;
  out.at_ns = peer.at_ns;
  out.outcome = static_cast<std::uint8_t>(peer.outcome());
}

// The last of those who wait, if it takes notes at all.
__attribute__((always_inline)) inline const Waiter* LastWaiter(const WaitQueue& waiting) {
  const Waiter* last = waiting.back();
  return last != nullptr && last->task->notes ? last : nullptr;
}

// Most channels have none.
__attribute__((always_inline)) inline std::uint8_t FlagsOf(const ChanCore* chan)
    ABSL_NO_THREAD_SAFETY_ANALYSIS {
  const bool tried = chan->observed_try.load(std::memory_order_relaxed);
  if (!tried && !bool(chan->closed | chan->observed_size | chan->timer_armed)) [[likely]]
    return 0;
  return static_cast<std::uint8_t>(
      (chan->closed ? mapped::kClosed : 0) | (tried ? mapped::kTried : 0) |
      (chan->observed_size ? mapped::kSized : 0) | (chan->timer_armed ? mapped::kArmed : 0));
}

// Its sequence number is odd meanwhile. Each fact goes from a register to the record: several at
// once, read from where they have just been stored one by one, would wait for these stores.
__attribute__((always_inline)) inline void WriteCounts(mapped::Channel* r, const ChanCore* chan)
    ABSL_NO_THREAD_SAFETY_ANALYSIS {
  r->flags = FlagsOf(chan);
  r->length = chan->length;
  r->high_water = static_cast<std::uint32_t>(chan->high_water);
  r->sends_started = chan->sends_started;
  r->sends_completed = chan->sends_completed;
  r->recvs_started = chan->recvs_started;
  r->recvs_completed = chan->recvs_completed;
  r->repeat_sends = chan->repeat_sends();
  r->waiting_senders = chan->senders.size();
  r->waiting_receivers = chan->receivers.size();
}

__attribute__((always_inline)) inline void WriteFacts(mapped::Channel* r, const ChanCore* chan,
                                                      const Waiter* sends, const Waiter* receives)
    ABSL_NO_THREAD_SAFETY_ANALYSIS {
  WriteCounts(r, chan);
  WritePeer(r->last_sender, sends, chan->last_sender);
  WritePeer(r->last_receiver, receives, chan->last_receiver);
}

// A place is new, or a select has left.
void WriteLocked(Ring* ring, mapped::Channel* r,
                 const ChanCore* chan) ABSL_NO_THREAD_SAFETY_ANALYSIS {
  WriteFacts(r, chan, LastWaiter(chan->senders), LastWaiter(chan->receivers));
  const auto explain = [&](mapped::Peer& side, const Departure& left) {
    ring->Explain(side.site);
    if (side.outcome == static_cast<std::uint8_t>(PeerOutcome::kLeft)) WriteLeft(ring, side, left);
  };
  explain(r->last_sender, chan->sender_left);
  explain(r->last_receiver, chan->receiver_left);
}
__attribute__((noinline)) void WriteWithCare(Ring* ring, mapped::Channel* r, const ChanCore* chan) {
  const RecordLock lock(r->seq);
  WriteLocked(ring, r, chan);
}

// Whether there is nothing to tell of this side but who, where and when.
__attribute__((always_inline)) inline bool IsPlain(const Ring* ring, const mapped::Peer& before,
                                                   const Waiter* waits, const ChanPeer& peer) {
  const std::uint64_t site = KeyOf(waits != nullptr ? waits->site : peer.site);
  if (before.site != site && !ring->IsExplained(site)) return false;
  return waits != nullptr || peer.outcome() != PeerOutcome::kLeft;
}

// All that is rare is left by a tail call, so that nothing needs to be saved.
__attribute__((always_inline)) inline void WriteChannel(
    Ring* ring, mapped::Channel* r, const ChanCore* chan) ABSL_NO_THREAD_SAFETY_ANALYSIS {
  const Waiter* const sends = LastWaiter(chan->senders);
  const Waiter* const receives = LastWaiter(chan->receivers);
  if (!IsPlain(ring, r->last_sender, sends, chan->last_sender) ||
      !IsPlain(ring, r->last_receiver, receives, chan->last_receiver)) [[unlikely]] {
    return WriteWithCare(ring, r, chan);
  }
  const RecordLock lock(r->seq);
  WriteFacts(r, chan, sends, receives);
}

// Both records say already what does not change from one such wait to the next. These have one
// case, at the place of the wait: see ParkOn().
template <bool sends>
__attribute__((always_inline)) inline bool SaySame(const mapped::Task* task, const Task* self) {
  constexpr auto kOp = static_cast<std::uint8_t>(sends ? CaseOp::kSend : CaseOp::kRecv);
  const WaitRecord& wait = self->wait;
  return task->wait == static_cast<std::uint8_t>(wait.kind) &&
         task->wait_site == KeyOf(wait.site) &&
         ((task->flags & mapped::kRange) != 0) == wait.range &&
         task->world == self->world_id.load(std::memory_order_relaxed) &&
         task->offers[0].op_and_object == mapped::CaseKey(kOp, wait.chan->id) &&
         wait.chan->record != nullptr;
}

__attribute__((always_inline)) inline void WriteParkTime(mapped::Task* task, const Task* self) {
  const RecordLock lock(task->seq);
  task->since_ns = self->wait.since_ns;
  NotePark(task, self);
}

__attribute__((noinline)) void ParkAgainWithCare(Ring* ring, mapped::Task* task, const Task* self) {
  UpdateChannel(ring, self->wait.chan);
  WriteParkTime(task, self);
}

// Of `self`, the last that waits on this side, at a place that is explained.
template <bool sends>
__attribute__((always_inline)) inline void ParkOn(Ring* ring, mapped::Task* task,
                                                  const Task* self) ABSL_NO_THREAD_SAFETY_ANALYSIS {
  if (!SaySame<sends>(task, self) || !HasMappedFile()) return RecordWait(ring, task, self);
  const ChanCore* const chan = self->wait.chan;
  auto* const r = static_cast<mapped::Channel*>(chan->record);
  const ChanPeer& other = sends ? chan->last_receiver : chan->last_sender;
  mapped::Peer& there = sends ? r->last_receiver : r->last_sender;
  const bool others_wait = !(sends ? chan->receivers : chan->senders).empty();
  if (others_wait || !IsPlain(ring, there, nullptr, other) || !self->notes) [[unlikely]]
    return ParkAgainWithCare(ring, task, self);
  mapped::Peer& here = sends ? r->last_sender : r->last_receiver;
  {
    const RecordLock lock(r->seq);
    WriteCounts(r, chan);
    WritePeer(there, nullptr, other);
    here.site = KeyOf(self->wait.site);
    here.task = self->id;
    here.at_ns = self->wait.since_ns;
    here.outcome = static_cast<std::uint8_t>(PeerOutcome::kWaiting);
  }
  WriteParkTime(task, self);
}

}  // namespace

// All that is rare is left by a tail call, so that nothing needs to be saved.
void RecordChannelWait(Ring* ring, mapped::Task* task, const Task* self) {
  if (self->wait.kind == WaitKind::kChanSend) return ParkOn<true>(ring, task, self);
  ParkOn<false>(ring, task, self);
}

void NeedChannelRecord(Ring* ring, ChanCore* chan) ABSL_NO_THREAD_SAFETY_ANALYSIS {
  auto* r = static_cast<mapped::Channel*>(chan->record);
  if (r == nullptr) {
    r = static_cast<mapped::Channel*>(TakeRecordFor(ring, RecordKind::kChannel));
    if (r == nullptr) return;
    const char* type = chan->ops->type->name();
    ring->ExplainType(type);
    const RecordLock lock(r->seq);
    r->id = chan->id;
    r->site = KeyOf(chan->site);
    r->capacity = chan->capacity;
    r->type = reinterpret_cast<std::uint64_t>(type);
    r->elem_bytes = static_cast<std::uint32_t>(chan->ops->size);
    r->creator = chan->creator_task;
    r->context = chan->context_id;
    r->created_ns = chan->created_ns;
    r->role = static_cast<std::uint8_t>(chan->role);
    ring->Explain(r->site);
    // Before a reader sees it alive: the facts of another channel are still in it.
    WriteLocked(ring, r, chan);
    r->state = mapped::kLive;
    chan->record = r;
    return;
  }
  WriteChannel(ring, r, chan);
}

void UpdateChannel(Ring* ring, const ChanCore* chan) ABSL_NO_THREAD_SAFETY_ANALYSIS {
  if (HasMappedFile()) WriteChannel(ring, static_cast<mapped::Channel*>(chan->record), chan);
}

void DropChannelRecord(ChanCore* chan) {
  auto* r = static_cast<mapped::Channel*>(chan->record);
  chan->record = nullptr;
  if (HasMappedFile()) GiveRecordBack(MyRing(), r, RecordKind::kChannel);
}

}  // namespace stranded::internal
