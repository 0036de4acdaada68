// What a controlled world waits for from outside: pools, and threads (controlled_threads.cc).
#include <algorithm>
#include <chrono>
#include <vector>

#include "runtime_hooks/scheduler/controlled_world.h"
#include "runtime_hooks/scheduler/pool_world.h"
#include "stranded/options.h"

namespace stranded::internal {
namespace {

using std::chrono::nanoseconds;
using std::chrono::steady_clock;

// How often a dead end looks whether a thread that the runtime does not know has woken a task.
constexpr auto kOutsideLook = std::chrono::milliseconds(1);
constexpr nanoseconds kFirstLook = std::chrono::microseconds(20);

// Grows when a task of a pool begins to run, or a timer is set.
std::uint64_t PoolMoves() {
  std::uint64_t moves = 0;
  ForEachWorld(
      [](World* world, void* sum) {
        if (!world->UsesThreads()) return;
        *static_cast<std::uint64_t*>(sum) += static_cast<PoolWorld*>(world)->Moves();
      },
      &moves);
  return moves;
}

}  // namespace

// Tasks of other worlds are at work: they may hold channels of this one.
bool ControlledWorld::OthersAtWork() const {
  struct Search {
    const World* self;
    bool found = false;
  } search{this};
  ForEachWorld(
      [](World* world, void* arg) {
        auto& s = *static_cast<Search*>(arg);
        if (world == s.self || !world->UsesThreads()) return;
        s.found = s.found || static_cast<PoolWorld*>(world)->AtWork();
      },
      &search);
  return search.found;
}

// Pools in which something begun from here comes back by itself: a sleep or another timer ends, or
// a BlockingRegion. What was there before, such as a pool's daemons, goes on whatever this world
// does.
int ControlledWorld::OthersToComeBack() const {
  struct Search {
    const World* self;
    int count = 0;
    std::vector<const World*> older;
  } search{this, 0, {}};
  ForEachWorld(
      [](World* world, void* arg) {
        auto& s = *static_cast<Search*>(arg);
        if (world == s.self || !world->UsesThreads() || world->Stopped()) return;
        auto* const pool = static_cast<PoolWorld*>(world);
        if (pool->InRegions() == 0 && pool->Timers() == 0) return;
        if (world->id() > s.self->id()) {
          ++s.count;
        } else {
          s.older.push_back(world);
        }
      },
      &search);
  if (search.older.empty()) return search.count;
  std::vector<std::uint64_t> with_ours;
  TaskSlab().ForEach(
      [&](Task* task) {
        if (task->is_thread || task->daemon || task->id < tasks_since_) return;
        const std::uint32_t state = task->state.load(std::memory_order_acquire);
        if ((state & Task::kStateMask) == Task::kFinished) return;
        with_ours.push_back(task->world_id.load(std::memory_order_relaxed));
      },
      [](Task* task) { UnrefTask(task); });
  for (const World* world : search.older) {
    search.count += std::find(with_ours.begin(), with_ours.end(), world->id()) != with_ours.end();
  }
  return search.count;
}

// True if something came in. Tasks of other worlds that are at work are given as much time as they
// need; those that sleep, and threads the runtime did not start, some.
bool ControlledWorld::WaitForOutside() {
  // Nobody whom they could wake; behind a dead end it is of interest who might have.
  if (NobodyIsLeft() && !deadlock_ && !PoolsMayAct(nanoseconds(0))) {
    outside_threads_.store(0, std::memory_order_relaxed);
    return false;
  }
  const auto until =
      std::chrono::steady_clock::now() + std::chrono::milliseconds(GetOptions().outside_ms);
  SeenAtEachLook always;
  for (;;) {
    // Looked at first: a task that ends its work wakes ours before it counts as done. What goes
    // from one to the other between the two looks is in neither.
    const std::uint64_t moves = PoolMoves();
    const int to_come = OthersToComeBack();
    bool at_work = OthersAtWork();
    // Between the same two looks: a task of a pool may start one and end, and what one leaves here
    // before it ends is seen below. One of the runtime's own looks like another in the moment in
    // which it starts or ends: looked at again.
    const std::vector<int> older = OlderAtWork();
    always.Look(older);
    const int threads = ThreadsSince() + static_cast<int>(older.size());
    at_work = at_work || PoolMoves() != moves;
    std::unique_lock lock(inbox_mutex_);
    if (!inbox_.empty() || EndIsDue()) return true;
    const bool in_time = std::chrono::steady_clock::now() < until;
    if (!at_work && !((threads > 0 || to_come > 0) && in_time)) {
      if (!in_time) LeaveAlone(always.threads());
      outside_threads_.store(threads + to_come, std::memory_order_relaxed);
      return false;
    }
    inbox_wake_.wait_for(lock, kOutsideLook, [&] { return !inbox_.empty(); });
  }
}

// All tasks that have come into this world have finished, but for the first, which checks.
bool ControlledWorld::NobodyIsLeft() const {
  return AllFinished() && main_task()->wait.kind == WaitKind::kLeakCheck;
}

// Something in a pool may come in, within so much real time: its tasks run, or those among them
// that were spawned from here sleep, or are in a system call. A cheap look: for a moment it may
// miss what goes from one pool to another.
bool ControlledWorld::PoolsMayAct(nanoseconds within) const {
  struct Search {
    const ControlledWorld* self;
    const std::int64_t until_ns;
    bool at_work = false;
    std::vector<std::uint64_t> idle;  // that may go on by themselves
  } search{this, DefaultPool()->NowNs() + within.count(), false, {}};
  ForEachWorld(
      [](World* world, void* arg) {
        auto& s = *static_cast<Search*>(arg);
        if (!world->UsesThreads() || world->Stopped()) return;
        auto* const pool = static_cast<PoolWorld*>(world);
        s.at_work = s.at_work || pool->AtWork();
        // The main task may be in one itself, see Enter().
        const int own = s.self->main_is_fiber_ && pool == s.self->main_before_ ? 1 : 0;
        if (pool->InRegions() > own || pool->NextDue() <= s.until_ns) s.idle.push_back(pool->id());
      },
      &search);
  if (search.at_work || search.idle.empty()) return search.at_work;
  bool ours = false;
  TaskSlab().ForEach(
      [&](Task* task) {
        if (ours || task->is_thread || task->daemon || task->id < tasks_since_) return;
        const std::uint32_t state = task->state.load(std::memory_order_acquire) & Task::kStateMask;
        const std::uint64_t world = task->world_id.load(std::memory_order_relaxed);
        ours = state != Task::kFinished &&
               std::find(search.idle.begin(), search.idle.end(), world) != search.idle.end();
      },
      [](Task* task) { UnrefTask(task); });
  return ours;
}

// Before time passes. The work of pools and threads takes real time, and the next timer is due in
// virtual time: a jump would make any timeout shorter than any work. So they have as long as the
// timer has to go; in all, what they let wait for nothing is at most outside_ms. True if something
// came in, or they did what they had to do: who polls may find it.
bool ControlledWorld::WaitForOthers() {
  const std::int64_t due = NextDue();
  const nanoseconds longest =
      std::min(nanoseconds(due == INT64_MAX ? 0 : due - NowNs()), patience_);
  if (longest <= nanoseconds(0) || reclaiming_) return false;
  const auto begun = steady_clock::now();
  bool acted = false;
  SeenAtEachLook always;
  for (nanoseconds pause = kFirstLook;; pause = std::min<nanoseconds>(2 * pause, kOutsideLook)) {
    const nanoseconds waited = steady_clock::now() - begun;
    const nanoseconds left = longest - waited;
    const bool too_long = left <= nanoseconds(0);
    // Looked at first: a task wakes ours before it counts as done. Threads before pools: one may
    // hand its work to the other.
    const std::vector<int> threads = ThreadsAtWork();
    always.Look(threads);
    const bool may_act = !too_long && (!threads.empty() || PoolsMayAct(left) || PoolsMayAct(left));
    std::unique_lock lock(inbox_mutex_);
    if (!inbox_.empty() || EndIsDue()) return true;
    if (too_long || !may_act) patience_ -= waited;
    if (too_long) {
      if (patience_ <= nanoseconds(0)) LeaveAlone(always.threads());
      return false;
    }
    if (!may_act) return acted;
    acted = true;
    inbox_wake_.wait_for(lock, pause, [&] { return !inbox_.empty(); });
  }
}

}  // namespace stranded::internal
