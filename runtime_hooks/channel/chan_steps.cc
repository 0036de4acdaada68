#include "runtime_hooks/channel/chan_steps.h"

#include <string>

#include "runtime_hooks/recorder/state_table.h"
#include "stranded/errors.h"

namespace stranded::internal {

void KeepRecord(ChanCore* chan) {
  if (chan->record == nullptr || (chan->senders.empty() && chan->receivers.empty())) return;
  UpdateChannel(chan);
}

Departure DepartureBy(const SelectCase& chosen) {
  Departure by;
  by.op = chosen.op;
  by.site = chosen.site;
  if (chosen.chan != nullptr && chosen.chan->role == ChanRole::kContextDone) {
    by.op = CaseOp::kDone;
    by.object = chosen.chan->context_id;
  } else if (chosen.chan != nullptr) {
    by.object = chosen.chan->id;
    if (chosen.chan->role == ChanRole::kUser) by.made = chosen.chan->site;
  }
  return by;
}

void NoteLeft(ChanCore* chan, const Task* self, bool send, const std::source_location& site,
              const Departure& departure) {
  ChanPeer& peer = send ? chan->last_sender : chan->last_receiver;
  // Somebody else who still waits here says more about the channel than one who looked and left.
  if (peer.outcome == PeerOutcome::kWaiting && peer.task != self->id) return;
  NotePeer(peer, self, site, PeerOutcome::kLeft);
  peer.left = departure;
  KeepRecord(chan);
}

namespace {

// Waiters lie on the stacks of their tasks: of many, none is in the processor's cache.
void BringNear(const Waiter* next) {
  if (next == nullptr) return;
  __builtin_prefetch(next->next, 1);
  __builtin_prefetch(next->task, 1);
}

}  // namespace

bool CloseNow(ChanCore* chan, std::uint64_t by, const std::source_location& site) {
  SpinGuard guard(chan->lock);
  if (chan->closed) return false;
  chan->closed = true;
  chan->closed_by = by;
  Record(EventKind::kClose, by, chan->id, site);
  chan->closed_site = site;
  chan->Touch();
  while (Waiter* w = PopClaimed(chan->receivers)) {
    BringNear(chan->receivers.front());
    w->success = false;
    NotePeer(chan->last_receiver, w->task, w->site, PeerOutcome::kSawClosed);
    Wake(w->task);
  }
  while (Waiter* w = PopClaimed(chan->senders)) {
    BringNear(chan->senders.front());
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
    const WakeReason reason = Park(self, static_cast<BiasedLock*>(nullptr));
    if (reason != WakeReason::kWoken) ThrowInterrupted(self, reason);
  }
}

}  // namespace stranded::internal
