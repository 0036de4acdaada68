// Send and receive.
//
// Each is three functions that go on in the next by a jump. The first does what needs no other
// task, on a lock that this thread owns, in one piece without calls: a buffer's usual case. The
// second does what may have to be done before (a thread's first operation, a controlled scheduler,
// a lock that others take), and the third all the rest. Jumps, not calls: the processor still
// guesses where a task that waited returns to (see fiber_switch.h).
#include "runtime_hooks/channel/chan_steps.h"
#include "runtime_hooks/scheduler/patches.h"
#include "runtime_hooks/scheduler/reclaim.h"
#include "runtime_hooks/scheduler/relief.h"
#include "runtime_hooks/scheduler/throwing.h"
#include "stranded/channel.h"

namespace stranded::internal {
namespace {

bool Skips(PatchKind kind, const std::source_location& site) {
  const Patch* const patch = FindPatch(kind, site, WaitKind::kChanSend);
  return patch != nullptr && patch->skips;
}

// A virtual patch ended the wait. What would a program do whose operation has a context case now? A
// sender returns, or goes on without its value if the patch says so; a receiver goes on as if the
// channel were closed, and if it comes back for more it has a loop around it, which the case would
// leave.
bool GoesOn(Task* self, bool send, const std::source_location& site) {
  ++self->gave_up;
  if (!MayThrow()) return true;
  if (send) return Skips(PatchKind::kContext, site) || Skips(PatchKind::kGiveUp, site);
  return self->gave_up == 1;
}

// The wait is over, and nobody has served it. In a destructor, which is where servers wait for
// their tasks, the exception of a dead end could come to nobody.
bool LeavesWithoutThrowing(Task* self, WakeReason reason, bool send,
                           const std::source_location& site) {
  if (reason == WakeReason::kGiveUp) return GoesOn(self, send, site);
  return reason == WakeReason::kDeadlock && !MayThrow();
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
  self->wait.chan = shown->chan;
  self->wait.case_count = 1;
  const WakeReason reason = ParkHere(self, &UnlockAfterSwitch<BiasedLock>, &chan->lock);
  if (reason != WakeReason::kWoken && !ServedTooLate(self, *w)) [[unlikely]] {
    chan->lock.Lock();
    const bool waiting = w->queued;
    const bool last = waiting && Withdraw(chan, w, send);
    chan->lock.Unlock();
    if (last) ReleaseOrphan(chan);
    if (waiting && !LeavesWithoutThrowing(self, reason, send, shown->site))
      ThrowInterrupted(self, reason);
    self->wait.kind = WaitKind::kNone;  // its cases are those of this frame
    if (waiting) return send;
  }
  UnwindIfReclaimed(self);
  return w->success;
}

// What a report shows of an operation that waits.
inline SelectCase CaseOf(CaseOp op, ChanCore* chan, void* slot, const std::source_location& site) {
  SelectCase shown;
  shown.op = op;
  shown.chan = chan;
  shown.slot = slot;
  shown.site = site;
  return shown;
}

[[noreturn]] __attribute__((noinline)) void ParkOnNil(Task* self, CaseOp op, void* slot,
                                                      const std::source_location& site) {
  const SelectCase shown = CaseOf(op, nullptr, slot, site);
  ParkForever(self, op == CaseOp::kSend ? WaitKind::kChanSendNil : WaitKind::kChanRecvNil, &shown,
              1, site);
}

// With the lock held, which they give up.
__attribute__((noinline)) void SendRest(ChanCore* chan, Task* self, void* value,
                                        const std::source_location& site)
    ABSL_UNLOCK_FUNCTION(chan->lock) ABSL_NO_THREAD_SAFETY_ANALYSIS {
  if (chan->closed) [[unlikely]] {
    chan->lock.Unlock();
    ThrowSendOnClosed(chan, site);
  }
  if (SendNow(chan, self, value, site)) {
    chan->lock.Unlock();
    return;
  }
  SelectCase shown = CaseOf(CaseOp::kSend, chan, value, site);
  Waiter w;
  if (!ParkOn(chan, self, &w, WaitKind::kChanSend, false, &shown)) ThrowSendOnClosed(chan, site);
}

__attribute__((noinline)) bool RecvRest(ChanCore* chan, Task* self, void* room, bool range,
                                        const std::source_location& site)
    ABSL_UNLOCK_FUNCTION(chan->lock) ABSL_NO_THREAD_SAFETY_ANALYSIS {
  bool received = false;
  if (RecvNow(chan, self, room, &received, site)) {
    chan->lock.Unlock();
    return received;
  }
  SelectCase shown = CaseOf(CaseOp::kRecv, chan, room, site);
  Waiter w;
  return ParkOn(chan, self, &w, WaitKind::kChanRecv, range, &shown);
}

__attribute__((noinline)) void SendSlowly(
    ChanCore* chan, void* value, const std::source_location& site) ABSL_NO_THREAD_SAFETY_ANALYSIS {
  Task* self = CurrentTask();
  if (!TransferPoint(self, WaitKind::kChanSend, chan, site)) return;
  if (ChoosesItsEnd(self, WaitKind::kChanSend, site)) [[unlikely]] {
    if (GoesOn(self, true, site)) return;
    ThrowInterrupted(self, WakeReason::kGiveUp);
  }
  if (chan == nullptr) ParkOnNil(self, CaseOp::kSend, value, site);
  chan->lock.Lock();
  return SendRest(chan, self, value, site);
}

__attribute__((noinline)) bool RecvSlowly(ChanCore* chan, void* room, bool range,
                                          const std::source_location& site)
    ABSL_NO_THREAD_SAFETY_ANALYSIS {
  Task* self = CurrentTask();
  if (!TransferPoint(self, WaitKind::kChanRecv, chan, site)) return false;
  if (ChoosesItsEnd(self, WaitKind::kChanRecv, site)) [[unlikely]] {
    if (GoesOn(self, false, site)) return false;
    ThrowInterrupted(self, WakeReason::kGiveUp);
  }
  if (chan == nullptr) ParkOnNil(self, CaseOp::kRecv, room, site);
  chan->lock.Lock();
  return RecvRest(chan, self, room, range, site);
}

// With the lock held by its first owner, which they give up.
__attribute__((noinline)) bool RecordCompleted(ChanCore* chan, ChanPeer& peer, EventKind kind,
                                               Task* self, const std::source_location& site)
    ABSL_UNLOCK_FUNCTION(chan->lock) ABSL_NO_THREAD_SAFETY_ANALYSIS {
  RecordTransfer(chan, peer, kind, self, site);
  chan->lock.UnlockAsFirst();
  return true;
}

// Notes another task, or another place, than the one before, and records it. Nothing is noted, and
// in plain worlds nothing recorded, but with Task::notes.
__attribute__((always_inline)) inline bool NoteCompleted(ChanCore* chan, ChanPeer& peer,
                                                         EventKind kind, Task* self,
                                                         const std::source_location& site)
    ABSL_UNLOCK_FUNCTION(chan->lock) ABSL_NO_THREAD_SAFETY_ANALYSIS {
  peer.task = self->id;
  peer.site = site;
  peer.at_ns = self->world->coarse_ns();
  if (tracing.load(std::memory_order_relaxed)) [[unlikely]] {
    if (!PutTransfer(chan, peer, kind, self, site)) {
      peer.set_outcome(PeerOutcome::kCompleted);
      return RecordCompleted(chan, peer, kind, self, site);
    }
  } else {
    ThreadBlock* const here = Here();
    PutIntoRun(peer, here->run, here->run == ThreadBlock::kNoRun ? here->NewRun() : here->run);
  }
  chan->lock.UnlockAsFirst();
  return true;
}

__attribute__((noinline)) void SentAnew(ChanCore* chan, Task* self,
                                        const std::source_location& site)
    ABSL_UNLOCK_FUNCTION(chan->lock) ABSL_NO_THREAD_SAFETY_ANALYSIS {
  NoteOpHere(self, WaitKind::kChanSend, chan, site);
  CountPushed(chan, self);
  NoteCompleted(chan, chan->last_sender, EventKind::kSend, self, site);
}

// At the end of an operation, with the lock held by its first owner, which they give up.
__attribute__((noinline)) bool NoteTimeOfRun(ChanCore* chan, const ThreadBlock* here)
    ABSL_UNLOCK_FUNCTION(chan->lock) ABSL_NO_THREAD_SAFETY_ANALYSIS {
  here->ring->PutTimeNow();
  chan->lock.UnlockAsFirst();
  return true;
}

__attribute__((noinline)) bool TakenAnew(ChanCore* chan, Task* self,
                                         const std::source_location& site)
    ABSL_UNLOCK_FUNCTION(chan->lock) ABSL_NO_THREAD_SAFETY_ANALYSIS {
  NoteOpHere(self, WaitKind::kChanRecv, chan, site);
  return NoteCompleted(chan, chan->last_receiver, EventKind::kRecv, self, site);
}

}  // namespace

void ChanSend(ChanCore* chan, void* value,
              const std::source_location& site) ABSL_NO_THREAD_SAFETY_ANALYSIS {
  ThreadBlock* const here = Here();  // for as long as this does not switch
  Task* const self = here->current;
  if (self == nullptr || !self->plain || chan == nullptr || !chan->lock.TryAsFirst(here))
      [[unlikely]] {
    return SendSlowly(chan, value, site);
  }
  ++here->ops;
  if (chan->closed || !chan->receivers.empty() || chan->length == chan->capacity ||
      chan->ops->trivial == 0) {
    if (self->notes) NoteOpHere(self, WaitKind::kChanSend, chan, site);
    return SendRest(chan, self, value, site);
  }
  PushSent(chan, value);
  const std::source_location at = site;  // in a register: the notes are stored one after the other
  if (SaysSameRecorded(chan->last_sender, at, here)) {
    chan->last_sender.at_ns = self->world->coarse_ns();
    if (CountInRun(here)) [[unlikely]] {
      NoteTimeOfRun(chan, here);
      return;
    }
  } else if (SaysSame(chan->last_sender, at, here->run) && !IsTracing()) {
    chan->last_sender.at_ns = self->world->coarse_ns();
    NoteOpHere(self, WaitKind::kChanSend, chan, at);
  } else if (self->notes) {
    return SentAnew(chan, self, site);
  } else {
    --chan->repeats_less_completed;  // whose the send before was is not known
  }
  chan->lock.UnlockAsFirst();
}

bool ChanRecv(ChanCore* chan, void* room, bool range,
              const std::source_location& site) ABSL_NO_THREAD_SAFETY_ANALYSIS {
  ThreadBlock* const here = Here();
  Task* const self = here->current;
  if (self == nullptr || !self->plain || chan == nullptr || !chan->lock.TryAsFirst(here))
      [[unlikely]] {
    return RecvSlowly(chan, room, range, site);
  }
  ++here->ops;
  if (chan->length == 0 || !chan->senders.empty() || chan->ops->trivial == 0) {
    if (self->notes) NoteOpHere(self, WaitKind::kChanRecv, chan, site);
    return RecvRest(chan, self, room, range, site);
  }
  TakeFirst(chan, room);
  ++chan->recvs_completed;
  chan->TouchTaken();
  const std::source_location at = site;  // in a register: the notes are stored one after the other
  if (SaysSameRecorded(chan->last_receiver, at, here)) {
    chan->last_receiver.at_ns = self->world->coarse_ns();
    if (CountInRun(here)) [[unlikely]]
      return NoteTimeOfRun(chan, here);
  } else if (SaysSame(chan->last_receiver, at, here->run) && !IsTracing()) {
    chan->last_receiver.at_ns = self->world->coarse_ns();
    NoteOpHere(self, WaitKind::kChanRecv, chan, at);
  } else if (self->notes) {
    return TakenAnew(chan, self, site);
  }
  chan->lock.UnlockAsFirst();
  return true;
}

}  // namespace stranded::internal
