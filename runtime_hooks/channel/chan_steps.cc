#include "runtime_hooks/channel/chan_steps.h"

#include <string>

#include "runtime_hooks/recorder/state_table.h"
#include "runtime_hooks/registry/prefetch.h"
#include "stranded/errors.h"

namespace stranded::internal {

ChanPeer LastOn(const ChanCore* chan, bool senders) {
  const Waiter* last = (senders ? chan->senders : chan->receivers).back();
  const ChanPeer& noted = senders ? chan->last_sender : chan->last_receiver;
  if (last == nullptr || !last->task->notes) return noted;
  ChanPeer waiting{.task = last->task->id, .site = last->site, .at_ns = last->task->wait.since_ns};
  waiting.set_outcome(PeerOutcome::kWaiting);
  return waiting;
}

void PrefetchLast(const ChanCore& chan, bool tasks) {
  chan.lock.Lock();
  for (const WaitQueue* queue : {&chan.senders, &chan.receivers}) {
    const Waiter* const last = queue->back();
    if (last == nullptr) continue;
    if (tasks) {
      PrefetchBytes(last->task, 4 * kCacheLine);
    } else {
      Prefetch(last);
    }
  }
  chan.lock.UnlockUncounted();
}

namespace {

// Wakes all of a queue. Of many neither the entries nor the tasks are in the processor's cache:
// both are fetched some steps before they are needed.
void WakeAll(WaitQueue& queue, ChanPeer& peer) {
  constexpr int kTasksAhead = 4;
  const Waiter* soon = queue.front();
  for (int i = 0; i < kTasksAhead && soon != nullptr; ++i) soon = soon->next;
  while (!queue.empty()) {
    const Waiter* first = queue.front();
    if (first->ahead != nullptr) PrefetchBytes(first->ahead, 2 * kCacheLine);
    if (soon != nullptr) {
      Prefetch(soon->task);
      soon = soon->next;
    }
    Waiter* w = PopFirst(queue);
    if (w == nullptr) continue;
    w->success = false;
    NotePeer(peer, w->task, w->site, PeerOutcome::kSawClosed);
    WakeHere(w->task);
  }
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
  WakeAll(chan->receivers, chan->last_receiver);
  WakeAll(chan->senders, chan->last_sender);
  return true;
}

void ThrowSendOnClosed(const ChanCore* chan, const std::source_location& site) {
  Here()->EndRecordedRun();  // no event says what the task did last
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
