// Events of values that pass from one task to another that waited: most of many a trace.
#include "runtime_hooks/channel/chan_steps.h"
#include "runtime_hooks/recorder/ring.h"
#include "runtime_hooks/recorder/state_table.h"
#include "runtime_hooks/recorder/task_notes.h"

namespace stranded::internal {
namespace {

// The head of one of the two events, and where it happened.
struct End {
  std::uint64_t head, site;
};

// In the order of the history: a send before its receive, but whoever makes room in a buffer comes
// before the sender that fills it.
struct Ends {
  End first, second;
};
template <Meeting how>
__attribute__((always_inline)) inline Ends EndsOf(const End& mine, const End& its) {
  const auto as = [](EventKind kind, const End& end) {
    return End{EventSlot::Head(kind, end.head), end.site};
  };
  if constexpr (how == Meeting::kSelfSends) {
    return {as(EventKind::kSend, mine), as(EventKind::kRecv, its)};
  } else if constexpr (how == Meeting::kSelfReceives) {
    return {as(EventKind::kSend, its), as(EventKind::kRecv, mine)};
  } else {
    return {as(EventKind::kRecv, mine), as(EventKind::kSend, its)};
  }
}

// Frozen or not. Else it was interrupted a moment ago, and that was its wake.
bool StillParked(const Task* task) {
  return (task->state.load(std::memory_order_relaxed) & Task::kStateMask) == Task::kParked;
}

std::uint64_t IdOf(const Task* task) { return task == nullptr ? 0 : task->id; }

// With the first ring of this thread, the time, a new place, or the end of the slots.
template <Meeting how>
__attribute__((noinline)) void MeetWithCare(ChanCore* chan, const Task* self,
                                            const std::source_location& site, const Waiter* w) {
  Ring* const ring = MyRing();
  const Ends ends = EndsOf<how>({IdOf(self), KeyOf(site)}, {w->task->id, KeyOf(w->site)});
  NoteWoken(w->task);
  ring->PutHead(ends.first.head, chan->id, ends.first.site, 0);
  ring->PutHead(ends.second.head, chan->id, ends.second.site, 0);
  if (StillParked(w->task)) ring->Put(EventKind::kWake, IdOf(self), 0, 0, w->task->id);
  KeepRecord(chan);
}

}  // namespace

void RecordTransfer(const ChanCore* chan, ChanPeer& peer, EventKind kind, const Task* task,
                    const std::source_location& site) {
  Ring* ring = MyRing();
  ring->Put(kind, task == nullptr ? 0 : task->id, chan->id, KeyOf(site), 0);
  if (task != nullptr && task->plain && task->notes) BeginRecordedRun(Here(), peer);
}

void NoteRecorded(const ChanCore* chan, ChanPeer& peer, EventKind kind, const Task* task,
                  const std::source_location& site) {
  ThreadBlock* const here = Here();
  if (task != nullptr && SaysSameRecorded(peer, site, here)) {
    peer.at_ns = task->world->coarse_ns();
    if (CountInRun(here)) here->ring->PutTimeNow();
    return;
  }
  NotePeer(peer, task, site, PeerOutcome::kCompleted);
  RecordTransfer(chan, peer, kind, task, site);
}

// All that is rare is left by a tail call, so that nothing needs to be saved.
template <Meeting how>
void RecordMeeting(ChanCore* chan, const Task* self, const std::source_location& site,
                   const Waiter* w) {
  ThreadBlock* const block = Here();
  Ring* const ring = block->ring;
  const Task* const other = w->task;
  const std::uint64_t here = KeyOf(site), there = KeyOf(w->site);
  if (ring == nullptr || !ring->HasRoomForMost(here, there) || !StillParked(other)) [[unlikely]]
    return MeetWithCare<how>(chan, self, site, w);
  NoteWoken(other);
  const std::uint64_t me = IdOf(self);
  const Ends ends = EndsOf<how>({me, here}, {other->id, there});
  EventSlot* const slots = ring->next;
  const std::uint64_t id = chan->id;
  slots[0].Store(ends.first.head, id, ends.first.site, 0);
  slots[1].Store(ends.second.head, id, ends.second.site, 0);
  slots[2].Store(EventSlot::Head(EventKind::kWake, me), 0, 0, other->id);
  ring->PutMost(block, slots);
  if (chan->record != nullptr && (!chan->senders.empty() || !chan->receivers.empty())) {
    return UpdateChannel(ring, chan);
  }
}
template void RecordMeeting<Meeting::kSelfSends>(ChanCore*, const Task*,
                                                 const std::source_location&, const Waiter*);
template void RecordMeeting<Meeting::kSelfReceives>(ChanCore*, const Task*,
                                                    const std::source_location&, const Waiter*);
template void RecordMeeting<Meeting::kSelfMakesRoom>(ChanCore*, const Task*,
                                                     const std::source_location&, const Waiter*);

}  // namespace stranded::internal
