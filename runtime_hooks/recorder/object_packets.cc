// Contexts, channels and sync objects.
#include <cxxabi.h>

#include <cstdlib>
#include <string>

#include "runtime_hooks/recorder/object_facts.h"
#include "runtime_hooks/recorder/snapshot.h"
#include "runtime_hooks/recorder/together.h"
#include "runtime_hooks/sync/count_credit.h"
#include "stranded/internal/context_ref.h"
#include "stranded/internal/sync_base.h"

namespace stranded::internal {
namespace {

using dump::ChannelTag;
using dump::ContextTag;
using dump::PacketTag;
using dump::PeerTag;
using dump::SyncObjectTag;

}  // namespace

// In a crash the mangled name must do: demangling allocates.
std::string_view Snapshot::TypeName(const char* mangled) {
  if (mangled == nullptr) return {};
  if (options_.crash) return mangled;
  const auto [it, fresh] = type_names_.try_emplace(mangled);
  if (fresh) {
    int status = 0;
    char* text = abi::__cxa_demangle(mangled, nullptr, nullptr, &status);
    it->second = status == 0 ? Cut(text) : std::string_view(mangled);
    std::free(text);
  }
  return it->second;
}

void Snapshot::BeginObjects(PacketTag batches) {
  if (options_.crash) return;
  objects_ = std::make_unique<ObjectBatch>(out_, batches, options_.stacks_per_site);
}

void Snapshot::EndObjects() {
  if (objects_ == nullptr) return;
  objects_->Flush();
  objects_.reset();
}

void Snapshot::WriteContexts() {
  const auto drop = [this](ContextNode* node) {
    if (options_.crash) return;
    // The roots are not counted, but for the walker's own reference.
    if (node->immortal) {
      (void)Slab<ContextNode>::Unref(node);
    } else {
      UnrefContext(node);
    }
  };
  if (!options_.crash) {
    // Whole chains first: a context is of no use without those above it.
    ContextSlab().ForEach(
        [this](ContextNode* node) {
          const bool made_here = options_.world == 0 || node->world_id == options_.world;
          if (made_here) NeedContext(node);
        },
        drop);
  }
  BeginObjects(PacketTag::kContextBatch);
  Together<ContextNode> together;
  const auto write = [this](ContextNode* node) { WriteContext(node); };
  ContextSlab().ForEach(
      [&](ContextNode* node) {
        if (!options_.crash && !contexts_.contains(node->id)) return drop(node);
        if (together.Hold(node)) together.Take({}, write, drop);
      },
      [](ContextNode*) {});
  together.Take({}, write, drop);
  EndObjects();
}

void Snapshot::WriteContext(ContextNode* node) ABSL_NO_THREAD_SAFETY_ANALYSIS {
  if (!TakeLock(node->lock)) return;
  const ContextErr err = node->ended.load(std::memory_order_relaxed);
  const ChanCore* done = node->done_core.load(std::memory_order_relaxed);
  const ContextFacts f{err,
                       node->live_children,
                       node->timer_armed,
                       node->after_funcs > 0,
                       node->cancel_called.load(std::memory_order_relaxed),
                       node->cancel_lost.load(std::memory_order_relaxed),
                       done == nullptr ? 0 : done->id,
                       Slab<ContextNode>::RefCount(node) - 1};
  node->lock.Unlock();
  Mention(node->creator);
  if (err != ContextErr::kNone) Mention(node->ended_by);
  if (TakeContext(*node, f)) return;
  const std::uint32_t site = out_.Site(node->site);
  std::string cause;
  std::uint32_t ended_site = 0;
  if (err != ContextErr::kNone) {
    ended_site = out_.Site(node->ended_site);
    if (!options_.crash) cause = std::string(node->cause.message());
  }
  const std::string_view key = TypeName(node->key_type);
  out_.Write<ContextTag>(PacketTag::kContext, [&](auto& c) {
    c.add_uint64(ContextTag::kId, node->id);
    c.add_uint64(ContextTag::kParent, node->parent == nullptr ? 0 : node->parent->id);
    c.add_enum(ContextTag::kKind, static_cast<std::int32_t>(node->kind));
    c.add_uint32(ContextTag::kSite, site);
    c.add_uint64(ContextTag::kCreatorTask, node->creator);
    c.add_int64(ContextTag::kCreatedNs, node->created_ns);
    c.add_int64(ContextTag::kDeadlineNs, node->deadline_ns);
    c.add_enum(ContextTag::kErr, static_cast<std::int32_t>(err));
    if (err != ContextErr::kNone) {
      c.add_string(ContextTag::kCause, Cut(cause).data(), Cut(cause).size());
      c.add_int64(ContextTag::kEndedNs, node->ended_ns);
      c.add_uint64(ContextTag::kEndedByTask, node->ended_by);
      c.add_uint32(ContextTag::kEndedSite, ended_site);
      c.add_uint64(ContextTag::kEndedOrigin, node->ended_origin);
    }
    c.add_bool(ContextTag::kHasCancelFunc, node->has_cancel_func);
    c.add_bool(ContextTag::kCancelCalled, f.cancel_called);
    c.add_bool(ContextTag::kCancelLost, f.cancel_lost);
    if (node->kind == ContextKind::kValue) {
      c.add_string(ContextTag::kKeyType, key.data(), key.size());
      const std::string_view text = Cut(node->value_text);
      c.add_string(ContextTag::kValueText, text.data(), text.size());
      c.add_bool(ContextTag::kValuePrintable, node->value_printable);
      c.add_uint64(ContextTag::kValueBytes, node->value_bytes);
    }
    c.add_uint64(ContextTag::kDoneChannel, f.done_channel);
    c.add_uint64(ContextTag::kWorld, node->world_id);
    c.add_uint32(ContextTag::kLiveChildren, f.live_children);
    c.add_bool(ContextTag::kTimerPending, f.timer_pending);
    if (f.has_after_func) c.add_bool(ContextTag::kHasAfterFunc, true);
    c.add_uint32(ContextTag::kHandles, f.handles);
  });
}

void Snapshot::WriteChannels() {
  BeginObjects(PacketTag::kChannelBatch);
  Together<ChanCore> together;
  const auto drop = [this](ChanCore* chan) {
    if (!options_.crash) UnrefChan(chan);
  };
  const auto write = [this](ChanCore* chan) { WriteChannel(chan); };
  // Who waits there is told by an entry on a stack, and by the task that it belongs to. In a crash
  // nothing is followed, see PeerOn().
  const std::array<void (*)(ChanCore*), 2> looks = {
      [](ChanCore* chan) { PrefetchLast(*chan, false); },
      [](ChanCore* chan) { PrefetchLast(*chan, true); }};
  const auto take = [&] {
    if (options_.crash) return together.Take({}, write, drop);
    together.Take(looks, write, drop);
  };
  ChanSlab().ForEach(
      [&](ChanCore* chan) {
        const bool named = options_.crash || channels_.contains(chan->id);
        const bool all = options_.world == 0 && chan->role == ChanRole::kUser;
        const bool here = options_.world != 0 && chan->world_id == options_.world &&
                          chan->role == ChanRole::kUser;
        if (!named && !all && !here) return drop(chan);
        if (together.Hold(chan)) take();
      },
      [](ChanCore*) {});
  take();
  EndObjects();
}

void Snapshot::WritePeer(Builder<ChannelTag>& packet, ChannelTag tag, const ChanPeer& peer,
                         const Departure& departure) {
  if (peer.outcome() == PeerOutcome::kNone) return;
  const std::uint32_t site = out_.Site(peer.site);
  const bool left = peer.outcome() == PeerOutcome::kLeft;
  const std::uint32_t left_site = left ? out_.Site(departure.site) : 0;
  const bool by_channel = left && departure.made.line() != 0;
  const std::uint32_t left_made = by_channel ? out_.Site(departure.made) : 0;
  Builder<PeerTag> p(packet, tag);
  p.add_uint64(PeerTag::kTask, peer.task);
  p.add_uint32(PeerTag::kSite, site);
  p.add_int64(PeerTag::kAtNs, peer.at_ns);
  p.add_enum(PeerTag::kOutcome, static_cast<std::int32_t>(peer.outcome()));
  if (!left) return;
  p.add_enum(PeerTag::kLeftOp, static_cast<std::int32_t>(departure.op));
  p.add_uint32(PeerTag::kLeftSite, left_site);
  const bool done = departure.op == CaseOp::kDone;
  p.add_uint64(PeerTag::kLeftContext, done ? departure.object : 0);
  p.add_uint64(PeerTag::kLeftChannel, done ? 0 : departure.object);
  p.add_int64(PeerTag::kLeftNs, peer.at_ns);
  if (by_channel) p.add_uint32(PeerTag::kLeftMade, left_made);
}

// Entries of those who wait lie on their stacks, which may be damaged when the program crashes.
ChanPeer Snapshot::PeerOn(const ChanCore* chan, bool senders) const ABSL_NO_THREAD_SAFETY_ANALYSIS {
  if (!options_.crash) return LastOn(chan, senders);
  return senders ? chan->last_sender : chan->last_receiver;
}

void Snapshot::WriteChannel(ChanCore* chan) ABSL_NO_THREAD_SAFETY_ANALYSIS {
  if (!TakeLock(chan->lock)) return;
  const ChanFacts f{chan->length,          chan->high_water,
                    chan->closed,          chan->observed_try,
                    chan->observed_size,   chan->timer_armed,
                    chan->timer_stopped,   chan->sends_started,
                    chan->sends_completed, chan->recvs_started,
                    chan->recvs_completed, chan->repeat_sends(),
                    chan->senders.size(),  chan->receivers.size(),
                    chan->closed_by,       chan->closed_site,
                    chan->closed_ns,       PeerOn(chan, true),
                    PeerOn(chan, false),   chan->sender_left,
                    chan->receiver_left,   Slab<ChanCore>::RefCount(chan) - 1};
  chan->lock.Unlock();
  Mention(chan->creator_task);
  Mention(f.closed_by);
  Mention(f.last_sender.task);
  Mention(f.last_receiver.task);
  if (TakeChannel(*chan, f)) return;
  const std::uint32_t site = out_.Site(chan->site), closed_site = out_.Site(f.closed_site);
  const std::string_view type = TypeName(chan->ops->type->name());
  out_.Write<ChannelTag>(PacketTag::kChannel, [&](auto& c) {
    c.add_uint64(ChannelTag::kId, chan->id);
    c.add_uint32(ChannelTag::kSite, site);
    c.add_string(ChannelTag::kElemType, type.data(), type.size());
    c.add_uint32(ChannelTag::kElemBytes, static_cast<std::uint32_t>(chan->ops->size));
    c.add_uint64(ChannelTag::kCapacity, chan->capacity);
    c.add_uint64(ChannelTag::kLength, f.length);
    c.add_uint64(ChannelTag::kHighWater, f.high_water);
    c.add_bool(ChannelTag::kClosed, f.closed);
    c.add_uint64(ChannelTag::kClosedByTask, f.closed_by);
    c.add_uint32(ChannelTag::kClosedSite, closed_site);
    c.add_int64(ChannelTag::kClosedNs, f.closed_ns);
    c.add_uint64(ChannelTag::kSendsStarted, f.sends_started);
    c.add_uint64(ChannelTag::kSendsCompleted, f.sends_completed);
    c.add_uint64(ChannelTag::kRecvsStarted, f.recvs_started);
    c.add_uint64(ChannelTag::kRecvsCompleted, f.recvs_completed);
    c.add_uint32(ChannelTag::kWaitingSenders, f.waiting_senders);
    c.add_uint32(ChannelTag::kWaitingReceivers, f.waiting_receivers);
    c.add_uint64(ChannelTag::kCreatorTask, chan->creator_task);
    c.add_int64(ChannelTag::kCreatedNs, chan->created_ns);
    WritePeer(c, ChannelTag::kLastSender, f.last_sender, f.sender_left);
    WritePeer(c, ChannelTag::kLastReceiver, f.last_receiver, f.receiver_left);
    c.add_enum(ChannelTag::kRole, static_cast<std::int32_t>(chan->role));
    c.add_uint64(ChannelTag::kContext, chan->context_id);
    c.add_bool(ChannelTag::kObservedTry, f.observed_try);
    c.add_bool(ChannelTag::kObservedSize, f.observed_size);
    c.add_uint64(ChannelTag::kRepeatSends, f.repeat_sends);
    c.add_uint32(ChannelTag::kHandles, f.handles);
    c.add_bool(ChannelTag::kTimerArmed, f.timer_armed);
    if (f.timer_stopped) c.add_bool(ChannelTag::kTimerStopped, true);
  });
}

namespace {
struct SyncFacts {
  std::uint64_t holder;
  std::source_location holder_site;
  std::uint32_t readers, waiters;
  bool readers_uncertain;
  std::int64_t counter, limit;
  SyncPeer last_add, last_done, last_signal;
  std::uint64_t signals, lost_signals, cond_lock;
  bool taker_keeps;
};
}  // namespace

void Snapshot::WriteSync(const SyncBase* base) ABSL_NO_THREAD_SAFETY_ANALYSIS {
  if (!options_.crash && !syncs_.insert(base->id)) return;
  if (!TakeLock(base->lock)) return;
  const SyncFacts f{base->holder,         base->holder_site,       base->readers,
                    base->waiters.size(), base->readers_uncertain, CountOf(*base),
                    base->limit,          base->last_add,          LastDoneOf(*base),
                    base->last_signal,    base->signals,           base->lost_signals,
                    base->cond_lock,      base->taker_keeps};
  base->lock.Unlock();
  const auto peer = [this](Builder<SyncObjectTag>& packet, SyncObjectTag tag, const SyncPeer& p) {
    if (p.task == 0) return;
    Mention(p.task);
    const std::uint32_t site = out_.Site(p.site);
    Builder<dump::SyncPeerTag> b(packet, tag);
    b.add_uint64(dump::SyncPeerTag::kTask, p.task);
    b.add_uint32(dump::SyncPeerTag::kSite, site);
  };
  Mention(f.holder);
  const std::uint32_t site = out_.Site(base->site);
  const std::uint32_t holder_site = f.holder == 0 ? 0 : out_.Site(f.holder_site);
  out_.Write<SyncObjectTag>(PacketTag::kSync, [&](auto& s) {
    s.add_uint64(SyncObjectTag::kId, base->id);
    s.add_enum(SyncObjectTag::kKind, static_cast<std::int32_t>(base->kind));
    s.add_uint32(SyncObjectTag::kSite, site);
    s.add_uint64(SyncObjectTag::kHolderTask, f.holder);
    s.add_uint32(SyncObjectTag::kHolderSite, holder_site);
    s.add_uint32(SyncObjectTag::kReaders, f.readers);
    s.add_bool(SyncObjectTag::kReadersUncertain, f.readers_uncertain);
    s.add_int64(SyncObjectTag::kCounter, f.counter);
    s.add_int64(SyncObjectTag::kLimit, f.limit);
    peer(s, SyncObjectTag::kLastAdd, f.last_add);
    peer(s, SyncObjectTag::kLastDone, f.last_done);
    peer(s, SyncObjectTag::kLastSignal, f.last_signal);
    s.add_uint64(SyncObjectTag::kSignals, f.signals);
    s.add_uint64(SyncObjectTag::kLostSignals, f.lost_signals);
    s.add_uint32(SyncObjectTag::kWaiters, f.waiters);
    s.add_uint64(SyncObjectTag::kCondLock, f.cond_lock);
    s.add_enum(SyncObjectTag::kRole, static_cast<std::int32_t>(base->role));
    if (f.taker_keeps) s.add_bool(SyncObjectTag::kTakerKeeps, true);
  });
}

}  // namespace stranded::internal
