#include "runtime_hooks/recorder/object_records.h"

#include "runtime_hooks/channel/chan_core.h"
#include "runtime_hooks/context/context_node.h"
#include "runtime_hooks/recorder/record_lock.h"
#include "runtime_hooks/recorder/ring.h"
#include "runtime_hooks/recorder/state_table.h"
#include "runtime_hooks/sync/count_credit.h"
#include "stranded/internal/sync_base.h"

namespace stranded::internal {
namespace {

void* Take(Ring* ring, RecordKind kind) {
  return ring->mapped && HasMappedFile() ? TakeRecord(ring->records[static_cast<int>(kind)], kind)
                                         : nullptr;
}

template <class Record>
void Give(Record* record, RecordKind kind) {
  {
    const RecordLock lock(record->seq);
    record->state = mapped::kFree;
  }
  GiveRecord(MyRing()->records[static_cast<int>(kind)], kind, record);
}

void WriteEnd(Ring* ring, mapped::Context* r, const ContextNode* node) {
  const std::uint64_t site = KeyOf(node->ended_site);
  ring->Explain(site);
  // A thread that makes the record and the one that ends the context may both come here.
  const RecordLock lock(r->seq, RecordLock::Shared{});
  r->err = static_cast<std::uint8_t>(node->ended.load(std::memory_order_acquire));
  r->ended_ns = node->ended_ns;
  r->ended_by = node->ended_by;
  r->ended_site = site;
  r->ended_origin = node->ended_origin;
}

void MakeContextRecord(Ring* ring, ContextNode* node) {
  auto* r = static_cast<mapped::Context*>(Take(ring, RecordKind::kContext));
  if (r == nullptr) return;
  const std::uint64_t site = KeyOf(node->site);
  ring->Explain(site);
  {
    const RecordLock lock(r->seq);
    r->kind = static_cast<std::uint8_t>(node->kind);
    r->err = 0;
    r->flags = node->has_cancel_func ? mapped::kHasCancel : 0;
    r->id = node->id;
    r->parent = node->parent == nullptr ? 0 : node->parent->id;
    r->site = site;
    r->creator = node->creator;
    r->created_ns = node->created_ns;
    r->deadline_ns = node->deadline_ns;
    r->world = node->world_id;
    r->state = mapped::kLive;
  }
  void* none = nullptr;
  // Seq_cst, as in RecordContextEnd(): either it sees the record, or this sees the end.
  if (!node->record.compare_exchange_strong(none, r, std::memory_order_seq_cst)) {
    Give(r, RecordKind::kContext);  // another thread was faster
    return;
  }
  if (node->ended.load(std::memory_order_seq_cst) != ContextErr::kNone) WriteEnd(ring, r, node);
}

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

// Its sequence number is odd meanwhile.
__attribute__((always_inline)) inline void WriteFacts(mapped::Channel* r, const ChanCore* chan,
                                                      const Waiter* sends, const Waiter* receives)
    ABSL_NO_THREAD_SAFETY_ANALYSIS {
  r->role = static_cast<std::uint8_t>(chan->role);
  r->flags = static_cast<std::uint8_t>(
      (chan->closed ? mapped::kClosed : 0) | (chan->observed_try ? mapped::kTried : 0) |
      (chan->observed_size ? mapped::kSized : 0) | (chan->timer_armed ? mapped::kArmed : 0));
  r->length = chan->length;
  r->high_water = static_cast<std::uint32_t>(chan->high_water);
  r->sends_started = chan->sends_started;
  r->sends_completed = chan->sends_completed;
  r->recvs_started = chan->recvs_started;
  r->recvs_completed = chan->recvs_completed;
  r->repeat_sends = chan->repeat_sends;
  r->waiting_senders = chan->senders.size();
  r->waiting_receivers = chan->receivers.size();
  WritePeer(r->last_sender, sends, chan->last_sender);
  WritePeer(r->last_receiver, receives, chan->last_receiver);
  r->state = mapped::kLive;
}

// A place is new, or a select has left.
__attribute__((noinline)) void WriteWithCare(Ring* ring, mapped::Channel* r,
                                             const ChanCore* chan) ABSL_NO_THREAD_SAFETY_ANALYSIS {
  const RecordLock lock(r->seq);
  WriteFacts(r, chan, LastWaiter(chan->senders), LastWaiter(chan->receivers));
  const auto explain = [&](mapped::Peer& side, const Departure& left) {
    ring->Explain(side.site);
    if (side.outcome == static_cast<std::uint8_t>(PeerOutcome::kLeft)) WriteLeft(ring, side, left);
  };
  explain(r->last_sender, chan->sender_left);
  explain(r->last_receiver, chan->receiver_left);
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

// Each fact goes from a register to the record: read back from there, two of them at once would
// wait until both stores are done.
void WriteSync(Ring* ring, mapped::Sync* r, const SyncBase* base) {
  const SyncPeer done = LastDoneOf(*base);
  const std::uint64_t holder_site = base->holder == 0 ? 0 : KeyOf(base->holder_site);
  const std::uint64_t add_site = base->last_add.task == 0 ? 0 : KeyOf(base->last_add.site);
  const std::uint64_t done_site = done.task == 0 ? 0 : KeyOf(done.site);
  ring->Explain(holder_site);
  ring->Explain(add_site);
  ring->Explain(done_site);
  const RecordLock lock(r->seq);
  r->holder = base->holder;
  r->holder_site = holder_site;
  r->readers = base->readers;
  r->waiters = base->waiters.size();
  r->readers_uncertain = base->readers_uncertain;
  r->counter = CountOf(*base);
  r->limit = base->limit;
  r->add_task = base->last_add.task;
  r->add_site = add_site;
  r->done_task = done.task;
  r->done_site = done_site;
  r->taker_keeps = base->taker_keeps ? 1 : 0;
  r->state = mapped::kLive;
}

}  // namespace

void NeedContextRecord(Ring* ring, ContextNode* context) {
  // Upwards until one that has a record: then those above it have one, too.
  for (; context != nullptr && context->record.load(std::memory_order_acquire) == nullptr;
       context = context->parent) {
    MakeContextRecord(ring, context);
  }
}

void NeedChannelRecord(Ring* ring, ChanCore* chan) ABSL_NO_THREAD_SAFETY_ANALYSIS {
  auto* r = static_cast<mapped::Channel*>(chan->record);
  if (r == nullptr) {
    r = static_cast<mapped::Channel*>(Take(ring, RecordKind::kChannel));
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
    ring->Explain(r->site);
    chan->record = r;
  }
  WriteChannel(ring, r, chan);
}

void NeedSyncRecord(Ring* ring, const SyncBase* base) ABSL_NO_THREAD_SAFETY_ANALYSIS {
  auto* r = static_cast<mapped::Sync*>(base->record);
  if (r == nullptr) {
    r = static_cast<mapped::Sync*>(Take(ring, RecordKind::kSync));
    if (r == nullptr) return;
    const RecordLock lock(r->seq);
    r->id = base->id;
    r->kind = static_cast<std::uint8_t>(base->kind);
    r->role = static_cast<std::uint8_t>(base->role);
    r->site = KeyOf(base->site);
    ring->Explain(r->site);
    base->record = r;
  }
  WriteSync(ring, r, base);
}

void UpdateChannel(Ring* ring, const ChanCore* chan) ABSL_NO_THREAD_SAFETY_ANALYSIS {
  if (HasMappedFile()) WriteChannel(ring, static_cast<mapped::Channel*>(chan->record), chan);
}

void UpdateSync(const SyncBase* base) ABSL_NO_THREAD_SAFETY_ANALYSIS {
  if (base->waiters.empty() || !HasMappedFile()) return;
  WriteSync(MyRing(), static_cast<mapped::Sync*>(base->record), base);
}

void RecordContextEnd(ContextNode* context) {
  // Seq_cst: pairs with MakeContextRecord().
  std::atomic_thread_fence(std::memory_order_seq_cst);
  auto* r = static_cast<mapped::Context*>(context->record.load(std::memory_order_seq_cst));
  if (r != nullptr && HasMappedFile()) WriteEnd(MyRing(), r, context);
}

void DropChannelRecord(ChanCore* chan) {
  auto* r = static_cast<mapped::Channel*>(chan->record);
  chan->record = nullptr;
  if (HasMappedFile()) Give(r, RecordKind::kChannel);
}

void DropContextRecord(ContextNode* context) {
  auto* r = static_cast<mapped::Context*>(context->record.load(std::memory_order_relaxed));
  if (r != nullptr && HasMappedFile()) Give(r, RecordKind::kContext);
}

void DropSyncRecord(const SyncBase* base) ABSL_NO_THREAD_SAFETY_ANALYSIS {
  auto* r = static_cast<mapped::Sync*>(base->record);
  base->record = nullptr;
  if (HasMappedFile()) Give(r, RecordKind::kSync);
}

}  // namespace stranded::internal
