// Events of values that pass from one task to another that waited: most of many a trace.
#include "runtime_hooks/channel/chan_steps.h"
#include "runtime_hooks/recorder/ring.h"
#include "runtime_hooks/recorder/state_table.h"

namespace stranded::internal {
namespace {

struct Ends {
  EventKind mine, its;
  bool mine_first;
};
constexpr Ends EndsOf(Meeting how) {
  if (how == Meeting::kSelfSends) return {EventKind::kSend, EventKind::kRecv, true};
  return {EventKind::kRecv, EventKind::kSend, how == Meeting::kSelfMakesRoom};
}

// Frozen or not. Else it was interrupted a moment ago, and that was its wake.
bool StillParked(const Task* task) {
  return (task->state.load(std::memory_order_relaxed) & Task::kStateMask) == Task::kParked;
}

__attribute__((noinline)) void PutOneByOne(Ring* ring, const ChanCore* chan, Meeting how,
                                           std::uint64_t me, const std::source_location& site,
                                           const Waiter* w) {
  const Ends ends = EndsOf(how);
  if (ends.mine_first) ring->Put(ends.mine, me, chan->id, KeyOf(site), 0);
  ring->Put(ends.its, w->task->id, chan->id, KeyOf(w->site), 0);
  if (!ends.mine_first) ring->Put(ends.mine, me, chan->id, KeyOf(site), 0);
  if (StillParked(w->task)) ring->Put(EventKind::kWake, me, 0, 0, w->task->id);
}

}  // namespace

void RecordTransfer(const ChanCore* chan, ChanPeer& peer, EventKind kind, const Task* task,
                    const std::source_location& site) {
  Ring* ring = MyRing();
  ring->Put(kind, task == nullptr ? 0 : task->id, chan->id, KeyOf(site), 0);
  if (task != nullptr && task->plain && task->notes) peer.outcome_and_run = ring->BeginRun(Here());
}

void NoteRecorded(const ChanCore* chan, ChanPeer& peer, EventKind kind, const Task* task,
                  const std::source_location& site) {
  ThreadBlock* const here = Here();
  if (task != nullptr && SaysSame(peer, task, site, here)) {
    return RepeatTransfer(chan, peer, kind, task, site, here);
  }
  NotePeer(peer, task, site, PeerOutcome::kCompleted);
  RecordTransfer(chan, peer, kind, task, site);
}

void RecordMeeting(ChanCore* chan, Meeting how, const Task* self, const std::source_location& site,
                   const Waiter* w) {
  Ring* ring = MyRing();
  const std::uint64_t me = self == nullptr ? 0 : self->id, other = w->task->id;
  const std::uint64_t here = KeyOf(site), there = KeyOf(w->site);
  RecordWoken(w->task);
  if (!ring->HasRoomForMost(here, there) || !StillParked(w->task)) [[unlikely]] {
    PutOneByOne(ring, chan, how, me, site, w);
  } else {
    EventSlot* const slots = ring->next;
    const Ends ends = EndsOf(how);
    slots[ends.mine_first ? 0 : 1].Store(EventSlot::Head(ends.mine, me), chan->id, here, 0);
    slots[ends.mine_first ? 1 : 0].Store(EventSlot::Head(ends.its, other), chan->id, there, 0);
    slots[2].Store(EventSlot::Head(EventKind::kWake, me), 0, 0, other);
    ring->PutMost();
  }
  KeepRecord(chan);
}

}  // namespace stranded::internal
