// The steps of channel operations, after Go's chansend and chanrecv.
#include <string>

#include "runtime_hooks/channel/chan_core.h"
#include "runtime_hooks/recorder/events.h"
#include "stranded/errors.h"

namespace stranded::internal {
namespace {

// `task` is null for a timer.
void NotePeer(ChanPeer& peer, const Task* task, const std::source_location& site,
              PeerOutcome outcome) {
  if (!noting.load(std::memory_order_relaxed)) return;
  peer.task = task == nullptr ? 0 : task->id;
  peer.site = site;
  peer.at_ns = task == nullptr ? 0 : task->world->coarse_ns();
  peer.outcome = outcome;
  peer.left_op = CaseOp::kNone;
}

// The first waiter that can still be served. A select that was won elsewhere is passed over; its
// task takes the other entries out itself.
Waiter* PopClaimed(WaitQueue& queue) {
  while (Waiter* w = queue.PopFront()) {
    if (!w->is_select) return w;
    bool expected = false;
    // Acq_rel: the winner's writes to the slot come after this and before the task reads them.
    if (w->task->select_done.compare_exchange_strong(expected, true, std::memory_order_acq_rel)) {
      w->task->wake_waiter = w;
      return w;
    }
  }
  return nullptr;
}

void NoteSent(ChanCore* chan, const Task* sender, const std::source_location& site) {
  ++chan->sends_completed;
  Record(EventKind::kSend, sender == nullptr ? 0 : sender->id, chan->id, site);
  if (sender != nullptr && chan->last_sender.task == sender->id &&
      chan->last_sender.outcome == PeerOutcome::kCompleted) {
    ++chan->repeat_sends;
  }
  NotePeer(chan->last_sender, sender, site, PeerOutcome::kCompleted);
}

void NoteReceived(ChanCore* chan, const Task* receiver, const std::source_location& site) {
  ++chan->recvs_completed;
  Record(EventKind::kRecv, receiver->id, chan->id, site);
  NotePeer(chan->last_receiver, receiver, site, PeerOutcome::kCompleted);
}

void PushValue(ChanCore* chan, void* value) {
  chan->ops->move_construct(chan->At(chan->length), value);
  if (++chan->length > chan->high_water) chan->high_water = chan->length;
}

}  // namespace

bool SendNow(ChanCore* chan, Task* self, void* value, const std::source_location& site) {
  if (Waiter* w = PopClaimed(chan->receivers)) {
    chan->ops->move_construct(w->slot, value);
    w->success = true;
    ++chan->sends_started;
    NoteSent(chan, self, site);
    NoteReceived(chan, w->task, w->site);
    Wake(w->task);
    return true;
  }
  if (chan->length == chan->capacity) return false;
  PushValue(chan, value);
  ++chan->sends_started;
  NoteSent(chan, self, site);
  return true;
}

bool RecvNow(ChanCore* chan, Task* self, void* room, bool* received,
             const std::source_location& site) {
  *received = false;
  if (chan->length > 0) {
    unsigned char* first = chan->At(0);
    chan->ops->move_construct(room, first);
    chan->ops->destroy(first);
    chan->head = (chan->head + 1) % chan->capacity;
    --chan->length;
    *received = true;
    ++chan->recvs_started;
    NoteReceived(chan, self, site);
    // The place that became free goes to the sender that has waited longest.
    if (Waiter* w = PopClaimed(chan->senders)) {
      PushValue(chan, w->slot);
      w->success = true;
      NoteSent(chan, w->task, w->site);
      Wake(w->task);
    }
    return true;
  }
  if (Waiter* w = PopClaimed(chan->senders)) {
    chan->ops->move_construct(room, w->slot);
    w->success = true;
    *received = true;
    ++chan->recvs_started;
    NoteSent(chan, w->task, w->site);
    NoteReceived(chan, self, site);
    Wake(w->task);
    return true;
  }
  if (!chan->closed) return false;
  NotePeer(chan->last_receiver, self, site, PeerOutcome::kSawClosed);
  return true;
}

void Offer(ChanCore* chan, Waiter* w, bool send) {
  if (send) {
    ++chan->sends_started;
    chan->senders.PushBack(w);
    NotePeer(chan->last_sender, w->task, w->site, PeerOutcome::kWaiting);
  } else {
    ++chan->recvs_started;
    chan->receivers.PushBack(w);
    NotePeer(chan->last_receiver, w->task, w->site, PeerOutcome::kWaiting);
  }
}

void Withdraw(ChanCore* chan, Waiter* w, bool send) {
  if (w->queued) (send ? chan->senders : chan->receivers).Remove(w);
  --(send ? chan->sends_started : chan->recvs_started);
}

void NoteLeft(ChanCore* chan, Task* self, bool send, const std::source_location& site,
              const SelectCase& chosen) {
  if (!noting.load(std::memory_order_relaxed)) return;
  ChanPeer& peer = send ? chan->last_sender : chan->last_receiver;
  // Somebody else who still waits here says more about the channel than one who looked and left.
  if (peer.outcome == PeerOutcome::kWaiting && peer.task != self->id) return;
  NotePeer(peer, self, site, PeerOutcome::kLeft);
  peer.left_op = chosen.op;
  peer.left_site = chosen.site;
  peer.left_context = 0;
  peer.left_channel = 0;
  peer.left_made = {};
  peer.left_ns = peer.at_ns;
  if (chosen.chan == nullptr) return;
  if (chosen.chan->role == ChanRole::kContextDone) {
    peer.left_op = CaseOp::kDone;
    peer.left_context = chosen.chan->context_id;
  } else {
    peer.left_channel = chosen.chan->id;
    if (chosen.chan->role == ChanRole::kUser) peer.left_made = chosen.chan->site;
  }
}

bool CloseNow(ChanCore* chan, std::uint64_t by, const std::source_location& site) {
  SpinGuard guard(chan->lock);
  if (chan->closed) return false;
  chan->closed = true;
  chan->closed_by = by;
  Record(EventKind::kClose, by, chan->id, site);
  chan->closed_site = site;
  while (Waiter* w = PopClaimed(chan->receivers)) {
    w->success = false;
    NotePeer(chan->last_receiver, w->task, w->site, PeerOutcome::kSawClosed);
    Wake(w->task);
  }
  while (Waiter* w = PopClaimed(chan->senders)) {
    w->success = false;
    NotePeer(chan->last_sender, w->task, w->site, PeerOutcome::kSawClosed);
    Wake(w->task);
  }
  return true;
}

void ThrowSendOnClosed(const ChanCore* chan, const std::source_location& site) {
  throw ClosedChannelError("send on closed channel made at " + std::string(chan->site.file_name()) +
                           ":" + std::to_string(chan->site.line()) + ", at " + site.file_name() +
                           ":" + std::to_string(site.line()));
}

void ParkForever(Task* self, WaitKind kind, const SelectCase* cases, std::size_t count,
                 const std::source_location& site) {
  BeginWait(self, kind, site, NowNs());
  self->wait.cases = cases;
  self->wait.case_count = static_cast<std::uint32_t>(count);
  for (;;) {
    const WakeReason reason = Park(self, static_cast<SpinLock*>(nullptr));
    if (reason != WakeReason::kWoken) ThrowInterrupted(self, reason);
  }
}

}  // namespace stranded::internal
