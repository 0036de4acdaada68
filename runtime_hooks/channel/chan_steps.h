// The steps that both plain operations and selects are made of, after Go's chansend and chanrecv.
//
// Overview: SendNow and RecvNow do what can be done at once; Offer and Withdraw queue a waiter and
// take it out. In a header, because every operation on a channel runs through here.
// Thread safety: all need `chan->lock`, but for ReleaseOrphan. Invariants: those of ChanCore.
// Ownership: values are moved, never copied; a waiter lives on the stack of its task.
#ifndef STRANDED_RUNTIME_HOOKS_CHANNEL_CHAN_STEPS_H_
#define STRANDED_RUNTIME_HOOKS_CHANNEL_CHAN_STEPS_H_

#include <cstring>

#include "runtime_hooks/channel/chan_core.h"
#include "runtime_hooks/recorder/events.h"
#include "runtime_hooks/recorder/ring.h"
#include "runtime_hooks/scheduler/park.h"

namespace stranded::internal {

// SchedulePoint() for a send or a receive: if it goes through, an event follows or it is counted in
// a recorded run, which goes on. Who leaves without either ends that run.
[[nodiscard]] inline bool TransferPoint(Task* self, WaitKind kind, const ChanCore* chan,
                                        const std::source_location& site) {
  if (!self->plain) [[unlikely]]
    return SchedulePointSlow(self, kind, chan, site);
  CountOp();
  if (self->notes) NoteOpHere(self, kind, chan, site);
  return true;
}

// `task` is null for a timer.
inline void NotePeer(ChanPeer& peer, const Task* task, const std::source_location& site,
                     PeerOutcome outcome) {
  if (task == nullptr) [[unlikely]] {
    peer = ChanPeer{.site = site};
    peer.set_outcome(outcome);
    return;
  }
  if (!task->notes) [[unlikely]]
    return;
  peer.task = task->id;
  peer.site = site;
  peer.at_ns = task->world->coarse_ns();
  peer.set_outcome(outcome);
}

// The first waiter, taken out; null if its select was won elsewhere.
inline Waiter* PopFirst(WaitQueue& queue) {
  Waiter* w = queue.PopFront();
  if (!w->is_select) return w;
  bool expected = false;
  // Acq_rel: the winner's writes to the slot come after this and before the task reads them.
  if (!w->task->select_done.compare_exchange_strong(expected, true, std::memory_order_acq_rel)) {
    return nullptr;
  }
  w->task->wake_waiter = w;
  return w;
}

// The first waiter that can still be served. A select that was won elsewhere is passed over; its
// task takes the other entries out itself.
inline Waiter* PopClaimed(WaitQueue& queue) {
  while (!queue.empty()) {
    if (Waiter* w = PopFirst(queue)) return w;
  }
  return nullptr;
}

// Of `bytes`, which is not 0: see ElemOps::trivial. Without a call, so that who uses it saves
// nothing.
__attribute__((always_inline)) inline void CopyTrivial(std::uint8_t bytes, void* to,
                                                       const void* from) {
  switch (bytes) {
    [[likely]] case 8:
      std::memcpy(to, from, 8);
      break;
    case 4: std::memcpy(to, from, 4); break;
    case 2: std::memcpy(to, from, 2); break;
    default: std::memcpy(to, from, 1);
  }
}
inline void MoveValue(const ElemOps* ops, void* to, void* from) {
  if (ops->trivial == 0) [[unlikely]]
    return ops->move_construct(to, from);
  CopyTrivial(ops->trivial, to, from);
}

// In the mapped file of a trace, for as long as tasks wait here.
inline void KeepRecord(ChanCore* chan) {
  if (!tracing.load(std::memory_order_relaxed)) [[likely]]
    return;
  if (chan->record != nullptr && (!chan->senders.empty() || !chan->receivers.empty())) {
    UpdateChannel(MyRing(), chan);
  }
}

// Unless CountRepeat() says that it repeats the one before, now or when it began.
inline void CountCompleted(ChanCore* chan) {
  ++chan->sends_completed;
  --chan->repeats_less_completed;
}

// `task` begins a send, or looks whether it could, where its own was the last that began, and went
// through. Once for each: a sender that waits is not counted again when it goes on.
inline void CountRepeat(ChanCore* chan, std::uint64_t task) {
  const ChanPeer& last = chan->last_sender;
  const bool again = last.task == task && last.outcome() == PeerOutcome::kCompleted;
  if (again && !chan->send_waited) ++chan->repeats_less_completed;
  chan->send_waited = false;
}

inline std::uint32_t LowId(const ChanCore* chan) { return static_cast<std::uint32_t>(chan->id); }

// Others may have sent between two of its sends. Then that there was one is enough to know.
inline void CountReturn(ChanCore* chan, const Task* sender) ABSL_NO_THREAD_SAFETY_ANALYSIS {
  if (sender->last_sent == LowId(chan) && chan->repeat_sends() == 0) [[unlikely]]
    ++chan->repeats_less_completed;
}

inline void CountSent(ChanCore* chan, Task* sender, const std::source_location& site) {
  CountCompleted(chan);
  if (sender != nullptr) {
    CountRepeat(chan, sender->id);
    CountReturn(chan, sender);
    sender->last_sent = LowId(chan);
  }
  NotePeer(chan->last_sender, sender, site, PeerOutcome::kCompleted);
}
// The send of `w`, which waited.
inline void CountServed(ChanCore* chan, const Waiter* w) {
  CountCompleted(chan);
  chan->send_waited = false;
  w->task->last_sent = LowId(chan);
  NotePeer(chan->last_sender, w->task, w->site, PeerOutcome::kCompleted);
}

inline void CountReceived(ChanCore* chan, const Task* receiver, const std::source_location& site) {
  ++chan->recvs_completed;
  NotePeer(chan->last_receiver, receiver, site, PeerOutcome::kCompleted);
}

// `peer` is the first, or one more, in a run of the task that runs here: see ThreadBlock::run.
inline void PutIntoRun(ChanPeer& peer, std::uint64_t& here, std::uint64_t run) {
  here = run | static_cast<std::uint64_t>(PeerOutcome::kCompleted);
  peer.outcome_and_run = here;
}
// From the record on that has just been put into the ring of this thread.
inline void BeginRecordedRun(ThreadBlock* here, ChanPeer& peer) {
  here->run_times = here->ring->NewestTimes();
  here->run_turn = trace_turn.load(std::memory_order_relaxed);
  PutIntoRun(peer, here->recorded_run, here->NewRun());
}

// Into or out of the buffer, as `peer` says now. Those that follow may be counted in this record:
// not in a controlled world, where their order among what others do is what counts. Nobody waits
// here then, so no state needs to be kept.
void RecordTransfer(const ChanCore* chan, ChanPeer& peer, EventKind kind, const Task* task,
                    const std::source_location& site);
// Of the calling task, in a plain world. False if it must be done by RecordTransfer().
__attribute__((always_inline)) inline bool PutTransfer(const ChanCore* chan, ChanPeer& peer,
                                                       EventKind kind, const Task* self,
                                                       const std::source_location& site) {
  ThreadBlock* const here = Here();
  Ring* const ring = here->ring;
  if (ring == nullptr || ring->NeedsCare(KeyOf(site))) [[unlikely]]
    return false;
  ring->PutPlainly(here, kind, self->id, chan->id, KeyOf(site), 0);
  BeginRecordedRun(here, peer);
  return true;
}

// `peer` says all that there is to say of a transfer by the task that runs here: it is in `run`,
// one of those that go on.
inline bool SaysSame(const ChanPeer& peer, const std::source_location& site, std::uint64_t run) {
  return peer.outcome_and_run == run && __builtin_expect(KeyOf(peer.site) == KeyOf(site), 1);
}
// The same for the recorded run. It does not outlive a switch of tracing: what came between did not
// end it.
inline bool SaysSameRecorded(const ChanPeer& peer, const std::source_location& site,
                             const ThreadBlock* here) {
  return SaysSame(peer, site, here->recorded_run) &&
         here->run_turn == trace_turn.load(std::memory_order_relaxed);
}
// One more in the record of the run that goes on. True if the time is to be noted now, so that not
// all is in one record for ever. Release, as for all words of a record: a reader that sees the
// number of a newer one sees `done` as it was before, too.
[[nodiscard]] __attribute__((always_inline)) inline bool CountInRun(ThreadBlock* here) {
  const std::uint64_t times = here->run_times->load(std::memory_order_relaxed) + 1;
  here->run_times->store(times, std::memory_order_release);
  return times + 1 == Ring::kTimeEvery;
}
// Whichever it is. `task` may be null.
void NoteRecorded(const ChanCore* chan, ChanPeer& peer, EventKind kind, const Task* task,
                  const std::source_location& site);
inline void NoteTransfer(const ChanCore* chan, ChanPeer& peer, EventKind kind, const Task* task,
                         const std::source_location& site) {
  if (tracing.load(std::memory_order_relaxed)) [[unlikely]]
    return NoteRecorded(chan, peer, kind, task, site);
  NotePeer(peer, task, site, PeerOutcome::kCompleted);
}

// The task of `w` has handed over its value, or was handed one: it goes on.
template <Meeting how>
__attribute__((always_inline)) inline void WakeAfter(ChanCore* chan, const Task* self,
                                                     const std::source_location& site,
                                                     const Waiter* w) {
  const bool traced = tracing.load(std::memory_order_relaxed);
  if (traced) [[unlikely]]
    RecordMeeting<how>(chan, self, site, w);
  WakeHere(w->task, traced);
}

inline void PushValue(ChanCore* chan, void* value) {
  MoveValue(chan->ops, chan->At(chan->length), value);
  if (++chan->length > chan->high_water) [[unlikely]]
    chan->high_water = chan->length;
}

// A send into a buffer that has room, where nobody waits: the value, and then what is noted of it.
// Until then it counts as one that repeats the one before.
__attribute__((always_inline)) inline void PushSent(ChanCore* chan, void* value)
    ABSL_EXCLUSIVE_LOCKS_REQUIRED(chan->lock) {
  PushValue(chan, value);
  ++chan->sends_started;
  ++chan->sends_completed;
  chan->TouchPut();
}
inline void CountPushed(ChanCore* chan, Task* self) ABSL_EXCLUSIVE_LOCKS_REQUIRED(chan->lock) {
  --chan->repeats_less_completed;
  if (self == nullptr) return;
  CountRepeat(chan, self->id);
  CountReturn(chan, self);
  self->last_sent = LowId(chan);
}
inline void NoteSent(ChanCore* chan, Task* self, const std::source_location& site)
    ABSL_EXCLUSIVE_LOCKS_REQUIRED(chan->lock) {
  CountPushed(chan, self);
  NoteTransfer(chan, chan->last_sender, EventKind::kSend, self, site);
}

// The oldest value out of a buffer. What follows says that it was received.
__attribute__((always_inline)) inline void TakeFirst(ChanCore* chan, void* room)
    ABSL_EXCLUSIVE_LOCKS_REQUIRED(chan->lock) {
  unsigned char* first = chan->At(0);
  const ElemOps* const ops = chan->ops;
  if (const std::uint8_t bytes = ops->trivial; bytes != 0) [[likely]] {
    CopyTrivial(bytes, room, first);
  } else {
    ops->move_construct(room, first);
    ops->destroy(first);
  }
  if (++chan->head == chan->capacity) [[unlikely]]
    chan->head = 0;
  --chan->length;
  ++chan->recvs_started;
}

// True if the operation went through at once. A closed channel counts: then SendNow must not be
// called, and RecvNow leaves `*received` false.
__attribute__((always_inline)) inline bool SendNow(ChanCore* chan, Task* self, void* value,
                                                   const std::source_location& site)
    ABSL_NO_THREAD_SAFETY_ANALYSIS {
  if (Waiter* w = PopClaimed(chan->receivers)) {
    MoveValue(chan->ops, w->slot, value);
    w->success = true;
    ++chan->sends_started;
    CountSent(chan, self, site);
    CountReceived(chan, w->task, w->site);
    chan->TouchSend();
    WakeAfter<Meeting::kSelfSends>(chan, self, site, w);
    return true;
  }
  if (chan->length == chan->capacity) return false;
  PushSent(chan, value);
  NoteSent(chan, self, site);
  return true;
}

__attribute__((always_inline)) inline bool RecvNow(ChanCore* chan, Task* self, void* room,
                                                   bool* received, const std::source_location& site)
    ABSL_NO_THREAD_SAFETY_ANALYSIS {
  *received = false;
  if (chan->length > 0) {
    TakeFirst(chan, room);
    *received = true;
    // The place that became free goes to the sender that has waited longest.
    Waiter* w = PopClaimed(chan->senders);
    if (w == nullptr) {
      ++chan->recvs_completed;
      chan->TouchTaken();
      NoteTransfer(chan, chan->last_receiver, EventKind::kRecv, self, site);
      return true;
    }
    CountReceived(chan, self, site);
    PushValue(chan, w->slot);
    w->success = true;
    CountServed(chan, w);
    chan->Touch();
    WakeAfter<Meeting::kSelfMakesRoom>(chan, self, site, w);
    return true;
  }
  if (Waiter* w = PopClaimed(chan->senders)) {
    MoveValue(chan->ops, room, w->slot);
    w->success = true;
    *received = true;
    ++chan->recvs_started;
    CountServed(chan, w);
    CountReceived(chan, self, site);
    chan->TouchRecv();
    WakeAfter<Meeting::kSelfReceives>(chan, self, site, w);
    return true;
  }
  if (!chan->closed) return false;
  NotePeer(chan->last_receiver, self, site, PeerOutcome::kSawClosed);
  RecordPass(self == nullptr ? 0 : self->id, WaitKind::kChanRecv, chan->id, site);
  return true;
}

// Queues `w` as a sender or receiver. That it waits is seen by the queue, and noted nowhere else.
inline void Offer(ChanCore* chan, Waiter* w, bool send) ABSL_NO_THREAD_SAFETY_ANALYSIS {
  if (send) {
    ++chan->sends_started;
    CountRepeat(chan, w->task->id);
    CountReturn(chan, w->task);
    chan->send_waited = true;
    chan->senders.PushBack(w);
  } else {
    ++chan->recvs_started;
    chan->receivers.PushBack(w);
  }
  chan->TouchOffered(send);
}

// Takes it out again when its task leaves for another case. True if the channel is to be given to
// ReleaseOrphan once its lock is free.
[[nodiscard]] inline bool Withdraw(ChanCore* chan, Waiter* w,
                                   bool send) ABSL_NO_THREAD_SAFETY_ANALYSIS {
  if (w->queued) (send ? chan->senders : chan->receivers).Remove(w);
  --(send ? chan->sends_started : chan->recvs_started);
  chan->Touch();
  if (!chan->orphaned || !chan->senders.empty() || !chan->receivers.empty()) return false;
  chan->orphaned = false;
  return true;
}
void ReleaseOrphan(ChanCore* chan);

// Notes in channels that `task` had offered an operation there and left for something else: for
// `chosen`, or for none. Not under record=off.
//
// A select leaves several channels at a time, for the same reason. So what is the same in all is
// kept in registers, in pairs as it is stored: a copy of the whole would wait for the stores of its
// parts.
class LeftNote {
 public:
  LeftNote() = default;
  // `chosen` and its channel may be gone later: not before the lock of that is given up.
  LeftNote(const Task* task, const SelectCase& chosen)
      : task_(task->id),
        when_{task->world->coarse_ns(), static_cast<std::int64_t>(PeerOutcome::kLeft)} {
    CaseOp op = chosen.op;
    std::uint64_t object = 0, made = 0;
    if (const ChanCore* chan = chosen.chan; chan != nullptr) {
      const bool ends = chan->role == ChanRole::kContextDone;
      if (ends) op = CaseOp::kDone;
      object = ends ? chan->context_id : chan->id;
      if (chan->role == ChanRole::kUser) made = KeyOf(chan->site);
    }
    where_ = Pair{static_cast<std::int64_t>(KeyOf(chosen.site)), static_cast<std::int64_t>(object)};
    what_ = Pair{static_cast<std::int64_t>(made), static_cast<std::int64_t>(op)};
  }

  // Not than what a task noted that has left the same channel before.
  bool IsOlderThan(const ChanPeer& peer) const { return peer.at_ns > when_[0]; }
  // `waited`: its entry has just been taken out, and a send was counted when it began.
  void Leave(ChanCore* chan, bool send, const std::source_location& site, bool waited) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(chan->lock) {
    // Somebody else who still waits here says more about the channel than one who looked and left.
    if (!(send ? chan->senders : chan->receivers).empty()) {
      if (waited) KeepRecord(chan);  // one fewer waits
      return;
    }
    if (send && !waited) CountRepeat(chan, task_);
    if (send) chan->send_waited = false;
    ChanPeer& peer = send ? chan->last_sender : chan->last_receiver;
    peer.task = task_;
    peer.site = site;
    std::memcpy(&peer.at_ns, &when_, sizeof when_);
    Departure& left = send ? chan->sender_left : chan->receiver_left;
    std::memcpy(static_cast<void*>(&left), &where_, sizeof where_);
    std::memcpy(static_cast<void*>(&left.made), &what_, sizeof what_);
    KeepRecord(chan);
  }

 private:
  using Pair = std::int64_t __attribute__((vector_size(16)));
  static_assert(offsetof(ChanPeer, outcome_and_run) == offsetof(ChanPeer, at_ns) + 8);
  static_assert(offsetof(ChanPeer, at_ns) == 16 && sizeof(ChanPeer) == 32);
  static_assert(offsetof(Departure, made) == 16 && offsetof(Departure, op) == 24);
  static_assert(sizeof(Departure) == 32);

  std::uint64_t task_ = 0;
  Pair when_{};   // ChanPeer from `at_ns` on
  Pair where_{};  // Departure up to `made`
  Pair what_{};   // and the rest
};

}  // namespace stranded::internal

#endif  // STRANDED_RUNTIME_HOOKS_CHANNEL_CHAN_STEPS_H_
