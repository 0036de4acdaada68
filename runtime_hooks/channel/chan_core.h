// The state of one channel.
//
// Overview: a lock, a ring of values, and two queues of waiters, after Go's hchan.
// Thread safety: fields under "guarded" only with `lock` held; the rest is set once.
// Invariants: at least one of the two queues is empty, except for a select that both sends and
// receives on the same unbuffered channel. With capacity > 0, values in the ring mean no waiting
// receiver, and free places mean no waiting sender. A closed channel has no waiters.
// Ownership: reference counted in its slab by its handles. When the last handle goes while tasks
// wait here, the channel is theirs (`orphaned`) and goes with the last of them.
#ifndef STRANDED_RUNTIME_HOOKS_CHANNEL_CHAN_CORE_H_
#define STRANDED_RUNTIME_HOOKS_CHANNEL_CHAN_CORE_H_

#include "runtime_hooks/scheduler/world.h"
#include "stranded/internal/chan_ops.h"

namespace stranded::internal {

enum class ChanRole : std::uint8_t { kUser = 0, kContextDone = 1, kTimerTick = 2 };
enum class PeerOutcome : std::uint8_t { kNone, kCompleted, kWaiting, kLeft, kSawClosed };

// The case that a select took instead of others. Two pairs of words: they are stored as such.
struct alignas(16) Departure {
  std::source_location site{};
  std::uint64_t object = 0;     // kDone: the context, else the channel
  std::source_location made{};  // a channel of the program: it may be gone
  CaseOp op = CaseOp::kNone;
};

// The last task that came through on one side, or left it. A pair of words and one more: the time
// and the outcome are stored as such.
struct alignas(16) ChanPeer {
  static constexpr std::uint64_t kOutcomeMask = ThreadBlock::kNextRun - 1;
  std::uint64_t task = 0;
  std::source_location site{};
  std::int64_t at_ns = 0;
  // The outcome, and above it the run that the last transfer belongs to, if one: see
  // ThreadBlock::run and recorded_run. In one word, so that one comparison tells that nothing is
  // new.
  std::uint64_t outcome_and_run = 0;

  PeerOutcome outcome() const { return static_cast<PeerOutcome>(outcome_and_run & kOutcomeMask); }
  void set_outcome(PeerOutcome outcome) { outcome_and_run = static_cast<std::uint64_t>(outcome); }
};

// In this order an operation touches four lines of the cache: tasks on two processors that use a
// channel wait for each of them to come over. Its count of references is in the first one, too.
struct ChanCore {
  static constexpr CacheKind kCacheKind = CacheKind::kChannel;
  static constexpr std::size_t kSlotAlign = 64;

  // What can be seen without the lock: whether an operation might go through (kMayRecv, kMaySend;
  // sometimes true in vain, never false in vain), whether `observed_try` was set by a poll
  // (kPolled), and a count of changes. Written under the lock. Release pairs with the acquire of
  // whoever decides by it that nothing can be done here.
  static constexpr std::uint64_t kMayRecv = 1, kMaySend = 2, kPolled = 4;
  // Between them and the count, which comes round without touching it: the low bits of the id, so
  // that another channel at the same address has another word.
  static constexpr int kGlanceIdShift = 3, kGlanceCountShift = 32;
  static constexpr std::uint64_t kChange = std::uint64_t{1} << kGlanceCountShift;
  static std::uint64_t IdInGlance(std::uint64_t word) {
    return static_cast<std::uint32_t>(word) >> kGlanceIdShift;
  }
  std::atomic<std::uint64_t> glance{0};

  // --- guarded by lock; ring, ops, capacity, id and role are set once
  mutable BiasedLock lock{3};
  unsigned char* ring = nullptr;
  std::size_t head = 0, length = 0;
  bool closed = false;
  bool closed_by_patch = false;           // then the program's own close is not the second one
  std::atomic<bool> observed_try{false};  // relaxed: only ever set
  bool observed_size = false, timer_armed = false, timer_stopped = false;
  bool send_waited = false;  // a send has begun to wait since the last that went through
  bool orphaned = false;     // no handle is left: those who wait own it, the last one frees it
  ChanRole role = ChanRole::kUser;
  // --- the second line of the cache
  WaitQueue senders, receivers;
  // --- the third
  std::uint64_t sends_started = 0, sends_completed = 0, recvs_started = 0, recvs_completed = 0;
  // So that a send that repeats the one before, of which there are many, counts in one word.
  std::uint64_t repeats_less_completed = 0;
  const ElemOps* ops = nullptr;
  std::size_t capacity = 0;
  std::uint64_t id = 0;
  // --- the fourth
  ChanPeer last_sender, last_receiver;  // not those who wait: see LastOn()
  // --- changed by few operations
  Departure sender_left, receiver_left;  // if the outcome is kLeft
  std::size_t high_water = 0;
  void* record = nullptr;  // in the mapped file of a trace
  std::uint64_t closed_by = 0;
  std::source_location closed_site{};
  std::int64_t closed_ns = 0;

  // --- set once
  std::source_location site{};
  std::uint64_t creator_task = 0;
  std::int64_t created_ns = 0;
  std::uint64_t world_id = 0;    // where it was made
  std::uint64_t context_id = 0;  // kContextDone

  ~ChanCore();
  // Sends that their task began after one of its own, which had gone through.
  std::uint64_t repeat_sends() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(lock) {
    return sends_completed + repeats_less_completed;
  }
  unsigned char* At(std::size_t i) {
    const std::size_t at = head + i;
    return ring + (at < capacity ? at : at - capacity) * ops->size;
  }
  // By a poll that found nothing.
  void NotePolled() ABSL_EXCLUSIVE_LOCKS_REQUIRED(lock) {
    const std::uint64_t before = glance.load(std::memory_order_relaxed);
    if ((before & kPolled) != 0) return;
    observed_try.store(true, std::memory_order_relaxed);
    glance.store(before | kPolled, std::memory_order_release);
  }
  // After each change of what `glance` says: of all of it, or of what has changed.
  void Touch() ABSL_EXCLUSIVE_LOCKS_REQUIRED(lock) {
    SetGlance(kMayRecv | kMaySend, (MayRecv() ? kMayRecv : 0) | (MaySend() ? kMaySend : 0));
  }
  void TouchRecv() ABSL_EXCLUSIVE_LOCKS_REQUIRED(lock) {
    SetGlance(kMayRecv, MayRecv() ? kMayRecv : 0);
  }
  void TouchSend() ABSL_EXCLUSIVE_LOCKS_REQUIRED(lock) {
    SetGlance(kMaySend, MaySend() ? kMaySend : 0);
  }
  // The buffer, which had room for it, has one value more: nobody waits, and it is open.
  void TouchPut() ABSL_EXCLUSIVE_LOCKS_REQUIRED(lock) {
    SetGlance(length == capacity ? kMaySend : 0, kMayRecv);
  }
  // One value fewer, and no sender waits for the place.
  void TouchTaken() ABSL_EXCLUSIVE_LOCKS_REQUIRED(lock) {
    SetGlance(bool((length == 0) & !closed) ? kMayRecv : 0, kMaySend);
  }
  // Somebody has begun to wait on the one side: the other may go on.
  void TouchOffered(bool send) ABSL_EXCLUSIVE_LOCKS_REQUIRED(lock) {
    SetGlance(0, send ? kMayRecv : kMaySend);
  }

 private:
  // Not ||: the answers are hard to guess, and cheap.
  bool MayRecv() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(lock) {
    return bool(closed | (length > 0)) | !senders.empty();
  }
  bool MaySend() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(lock) {
    return bool(closed | (length < capacity)) | !receivers.empty();
  }
  void SetGlance(std::uint64_t away, std::uint64_t there) ABSL_EXCLUSIVE_LOCKS_REQUIRED(lock) {
    const std::uint64_t before = glance.load(std::memory_order_relaxed);
    glance.store(((before & ~away) + kChange) | there, std::memory_order_release);
  }
};

Slab<ChanCore>& ChanSlab();
// The last task seen on one side: the one that came last of those who wait there, if any.
ChanPeer LastOn(const ChanCore* chan, bool senders) ABSL_EXCLUSIVE_LOCKS_REQUIRED(chan->lock);
// Brings into the processor's cache what LastOn() reads: first the entries, then the tasks.
void PrefetchLast(const ChanCore& chan, bool tasks);
// One that is not the program's, but that of a context or a timer.
ChanCore* NewChanFor(ChanRole role, std::uint64_t context_id, const ElemOps* ops,
                     std::size_t capacity, const std::source_location& site);

// Closes without a scheduling point; for ends of contexts. False if it was closed already.
bool CloseNow(ChanCore* chan, std::uint64_t by, const std::source_location& site);

[[noreturn]] void ThrowSendOnClosed(const ChanCore* chan, const std::source_location& site);
[[noreturn]] void ParkForever(Task* self, WaitKind kind, const SelectCase* cases, std::size_t count,
                              const std::source_location& site);

}  // namespace stranded::internal

#endif  // STRANDED_RUNTIME_HOOKS_CHANNEL_CHAN_CORE_H_
