// Destructors of sync objects that tasks still wait for; see sync_park.h.
#include <sched.h>

#include <mutex>

#include "absl/container/flat_hash_set.h"
#include "runtime_hooks/recorder/freeze.h"
#include "runtime_hooks/recorder/state_table.h"
#include "runtime_hooks/scheduler/reclaim.h"
#include "runtime_hooks/sync/count_credit.h"
#include "runtime_hooks/sync/sync_park.h"

namespace stranded::internal {
namespace {

// In a list for ever: a stuck task may be shown at any time, and leak checkers should find them.
struct Tombstone : SyncBase {
  using SyncBase::SyncBase;
  Tombstone* next = nullptr;
};
std::atomic<Tombstone*> tombstones{nullptr};

// See IsStaleRead().
struct StaleReads {
  std::mutex mutex;
  absl::flat_hash_set<const SyncBase*> locks;  // guarded by mutex
};
StaleReads& Stale() {
  static auto& stale = *new StaleReads;  // never destroyed: locks outlive statics
  return stale;
}
// How many, so that most need no lock. Release and acquire (IsStaleRead): the set that it tells of.
std::atomic<std::size_t> stale_reads{0};

Tombstone* NewTombstone(const SyncBase& of) {
  auto* made = new Tombstone(of.kind, of.site);
  made->next = tombstones.load(std::memory_order_relaxed);
  // Relaxed: nobody reads through the list.
  while (!tombstones.compare_exchange_weak(made->next, made, std::memory_order_relaxed)) {
  }
  return made;
}

void CopyFacts(const SyncBase& from, SyncBase* to) {
  to->holder = from.holder;
  to->holder_site = from.holder_site;
  to->readers = from.readers;
  to->readers_uncertain = from.readers_uncertain;
  to->counter = CountOf(from);
  to->limit = from.limit;
  to->last_add = from.last_add;
  to->last_done = LastDoneOf(from);
  to->last_signal = from.last_signal;
  to->signals = from.signals;
  to->lost_signals = from.lost_signals;
  to->cond_lock = from.cond_lock;
}

void MoveAll(WaitQueue* from, WaitQueue* to) {
  while (Waiter* w = from->PopFront()) to->PushBack(w);
}

// Holds a parked task still for a moment. False if it is not parked.
bool FreezeSoon(Task* task) {
  while (!Freeze(task)) {
    const std::uint32_t state = task->state.load(std::memory_order_acquire);
    if ((state & Task::kStateMask) != Task::kParked) return false;
    sched_yield();  // a snapshot is reading it
  }
  return true;
}

// A fiber of a controlled world stands still whenever another task of that world runs.
bool StandsStill(const Task* task) {
  return task == CurrentTaskOrNull() ||
         (task->world == CurrentWorld() && task->world->Facts().controlled);
}

void MoveEntries(Task* task, const SyncBase* base, const SyncBase* to) {
  int kept = 0;
  for (int i = 0; i < task->held_count; ++i) {
    auto entry = task->held[i];
    if (entry.lock == base) entry.lock = to;
    if (entry.lock != nullptr) task->held[kept++] = entry;
  }
  task->held_count = kept;
}

}  // namespace

const SyncBase* RetireSync(SyncBase* base, WaitQueue* more) ABSL_NO_THREAD_SAFETY_ANALYSIS {
  NoteSyncGone(base);
  // Taking the lock waits for whoever granted the last wait to be out of the object.
  base->lock.Lock();
  const bool waited_for = !base->waiters.empty() || (more != nullptr && !more->empty());
  base->lock.Unlock();
  if (!waited_for) {
    if (base->record != nullptr) DropSyncRecord(base);
    return nullptr;
  }
  SyncBase* tombstone = NewTombstone(*base);
  base->lock.Lock();
  CopyFacts(*base, tombstone);
  MoveAll(&base->waiters, &tombstone->waiters);
  if (more != nullptr) MoveAll(more, &tombstone->waiters);
  base->lock.Unlock();
  // Not under a lock: a snapshot that holds a task may be waiting for it.
  for (Waiter* w = tombstone->waiters.front(); w != nullptr; w = w->next) {
    const bool frozen = FreezeSoon(w->task);
    if (w->task->wait.sync == base) w->task->wait.sync = tombstone;
    if (frozen) Thaw(w->task);
  }
  return tombstone;
}

bool IsStaleRead(const SyncBase* base) {
  if (stale_reads.load(std::memory_order_acquire) == 0) return false;
  std::lock_guard lock(Stale().mutex);
  return Stale().locks.contains(base);
}

void ForgetStaleRead(const SyncBase* base) {
  if (stale_reads.load(std::memory_order_relaxed) == 0) [[likely]]
    return;
  std::lock_guard lock(Stale().mutex);
  Stale().locks.erase(base);
  stale_reads.store(Stale().locks.size(), std::memory_order_release);
}

void MoveReaders(const SyncBase* base, const SyncBase* to) {
  // Before the first look: a snapshot that holds a task still does not see this, but is waited for.
  {
    std::lock_guard lock(Stale().mutex);
    Stale().locks.insert(base);
    stale_reads.store(Stale().locks.size(), std::memory_order_release);
  }
  bool missed = false;
  TaskSlab().ForEach(
      [&](Task* task) {
        if (StandsStill(task)) {
          MoveEntries(task, base, to);
        } else if (FreezeSoon(task)) {
          MoveEntries(task, base, to);
          Thaw(task);
        } else {
          const std::uint32_t state = task->state.load(std::memory_order_acquire);
          missed |= (state & Task::kStateMask) != Task::kFinished;
        }
      },
      [](Task* task) { UnrefTask(task); });
  if (!missed) ForgetStaleRead(base);
}

}  // namespace stranded::internal
