// Whether anything in a pool can still move, and waiting until nothing does.
#include <sched.h>
#include <time.h>

#include <algorithm>
#include <cerrno>
#include <chrono>

#include "runtime_hooks/recorder/events.h"
#include "runtime_hooks/scheduler/pool_world.h"

namespace stranded::internal {
namespace {

constexpr long kLookAgainNs = 1000000;
constexpr long kDeadEndLookNs = 100000000;

// Adopted threads, other than the calling one, that are not parked: they may do anything.
int ActingThreads() {
  struct Count {
    int acting = 0;
    Task* self = CurrentTaskOrNull();
  } count;
  ForEachAdopted(
      [](Task* task, void* arg) {
        auto& seen = *static_cast<Count*>(arg);
        if (task == seen.self) return;
        const std::uint32_t state = task->state.load(std::memory_order_acquire) & Task::kStateMask;
        if (state == Task::kRunning || state == Task::kRunnable) ++seen.acting;
      },
      &count);
  return count.acting;
}

}  // namespace

// The main thread looks now and then whether anybody is left who could wake it.
void PoolWorld::SleepThread(Task* self) {
  std::uint64_t seen_at = 0;
  if (self->is_main) dead_main_.store(0, std::memory_order_relaxed);
  for (;;) {
    if (!self->is_main) {
      if (sem_wait(&self->thread_wake) == 0) return;
      continue;  // a signal
    }
    timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += kDeadEndLookNs;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    if (sem_timedwait(&self->thread_wake, &until) == 0) return;
    if (errno != ETIMEDOUT) continue;
    // Twice in a row without a single switch in between, anywhere: nothing is on its way.
    std::uint64_t now_at = 0;
    const bool dead = DeadEnd(&now_at);
    if (dead && seen_at == now_at + 1) {
      dead_main_.store(self->id, std::memory_order_relaxed);
      Interrupt(self, WakeReason::kDeadlock);
    }
    seen_at = dead ? now_at + 1 : 0;
  }
}

// Grows whenever a fiber is taken from a queue, or a thread is woken.
std::uint64_t PoolWorld::Activity() const {
  std::uint64_t sum = thread_wakes_.load(std::memory_order_acquire);
  for (int i = worker_count_.load(std::memory_order_acquire); i-- > 0;) {
    sum += by_index_[i].load(std::memory_order_acquire)->picks.load(std::memory_order_relaxed);
  }
  return sum;
}

// Nothing runs, nothing will by itself, and no thread is there that could act. `moves`: in all
// worlds so far. They are read one after the other, and what moves may go from one that is still to
// be read to one that has been: only two looks with the same moves mean that it was so at one
// moment.
bool PoolWorld::DeadEnd(std::uint64_t* moves) {
  if (!Facts().quiet) return false;
  struct Look {
    bool quiet = true;
    std::uint64_t moves = 0;
  } look;
  ForEachWorld(
      [](World* world, void* arg) {
        auto& all = *static_cast<Look*>(arg);
        const WorldFacts facts = world->Facts();
        all.quiet = all.quiet && facts.quiet;
        all.moves += facts.moves + facts.steps;
      },
      &look);
  *moves = look.moves;
  return look.quiet;
}

// Of the other pools, whose tasks may wake those of this one.
PoolWorld::PoolsLook PoolWorld::LookAtOthers(std::int64_t until) {
  struct Search {
    const World* self;
    std::int64_t until;
    PoolsLook look;
  } search{this, until, {}};
  ForEachWorld(
      [](World* world, void* arg) {
        auto& s = *static_cast<Search*>(arg);
        if (!s.look.still || world == s.self || !world->UsesThreads()) return;
        auto* const pool = static_cast<PoolWorld*>(world);
        const WorldFacts facts = pool->Facts();
        const bool idle = facts.steady && facts.runnable == 0 && facts.running == 0 &&
                          facts.external == 0 && pool->NextDue() > s.until;
        s.look.quiet = s.look.quiet && facts.quiet;
        s.look.still = facts.quiet || idle;
        s.look.moves += facts.moves;
      },
      &search);
  search.look.quiet = search.look.quiet && search.look.still;
  return search.look;
}

// Twice, and nothing may have moved in any: see DeadEnd().
PoolWorld::PoolsLook PoolWorld::OtherPools(std::int64_t until) {
  const PoolsLook first = LookAtOthers(until);
  if (!first.still) return first;
  PoolsLook second = LookAtOthers(until);
  const bool same = second.moves == first.moves;
  second.still = second.still && same;
  second.quiet = second.quiet && first.quiet && same;
  return second;
}

bool PoolWorld::WaitIdle(std::int64_t deadline_ns) {
  std::unique_lock lock(idle_mutex_);
  return idle_.wait_until(
      lock, std::chrono::system_clock::time_point(std::chrono::nanoseconds(deadline_ns)), [&] {
        return ReadyTasks() == 0 && tokens_ == 0 && active_.load(std::memory_order_acquire) == 0;
      });
}

bool PoolWorld::WaitUntilQuiet(std::int64_t grace_ns, bool (*done)(const void*), const void* arg) {
  // A task that checks is no sign of life; another worker stands in for its own meanwhile.
  Task* self = CurrentTask();
  const bool fiber = !self->is_thread;
  if (fiber) {
    checking_fibers_.fetch_add(1, std::memory_order_relaxed);
    EnterBlocking(self);
  }
  const bool quiet = AwaitQuiet(LaterBy(NowNs(), std::max<std::int64_t>(0, grace_ns)), done, arg);
  if (fiber) {
    LeaveBlocking(self);
    checking_fibers_.fetch_sub(1, std::memory_order_relaxed);
  }
  RecordPass(self->id, WaitKind::kLeakCheck, 0, {});
  return quiet;
}

// Whether an idle world has nothing but timers ahead, and the next one comes too late. That is read
// after the facts, so they must still hold afterwards: a timer may have gone off in between.
bool PoolWorld::NothingBefore(std::int64_t until, const WorldFacts& seen) {
  if (seen.external != 0 || NextDue() <= until || !OtherPools(until).still) return false;
  const WorldFacts now = Facts();
  return seen.steady && now.steady && now.moves == seen.moves && now.timers == seen.timers &&
         now.runnable == 0 && now.running == 0 && now.external == 0;
}

// Since it was `seen` to be.
bool PoolWorld::StayedQuiet(const WorldFacts& seen) {
  const WorldFacts now = Facts();
  return now.quiet && now.moves == seen.moves;
}

bool PoolWorld::AwaitQuiet(std::int64_t until, bool (*done)(const void*), const void* arg) {
  for (;;) {
    const WorldFacts facts = Facts();
    const bool quiet = facts.quiet && OtherPools(until).quiet && StayedQuiet(facts);
    if (quiet || done(arg)) return quiet;
    const std::int64_t now = NowNs();
    if (now >= until) return false;
    const bool idle = facts.runnable == 0 && facts.running == 0;
    if (idle && NothingBefore(until, facts)) return false;
    if (!idle) WaitIdle(std::min(until, now + kLookAgainNs));
    if (idle) {
      const timespec pause{0, kLookAgainNs};
      nanosleep(&pause, nullptr);
    }
  }
}

// How many there are; 0 if none of them moves anything: those must not make an idle world look as
// if it would go on. They are looked at a few at a time, so that nobody waits long to set another.
std::uint32_t PoolWorld::Timers(std::uint64_t* armings) {
  constexpr std::size_t kTogether = 256;
  std::unique_lock lock(timer_mutex_);
  const std::uint64_t pushed = timers_.pushed();
  *armings = timers_.moves();
  const std::size_t size = timers_.size();
  const auto count = static_cast<std::uint32_t>(size + (firing_ ? 1 : 0));
  for (std::size_t i = 0; i < size; ++i) {
    if (timers_.entries()[i]->MovesSomething()) return count;
    if ((i + 1) % kTogether != 0) continue;
    lock.unlock();
    sched_yield();
    lock.lock();
    // Something moves, then.
    if (timers_.pushed() != pushed || timers_.size() != size) return std::max(count, 1U);
  }
  return firing_ ? 1 : 0;
}

bool PoolWorld::HasTimers() {
  std::lock_guard lock(timer_mutex_);
  return !timers_.empty() || firing_;
}

// Those told to wake up are as good as awake: else a pool would look quiet, and no longer so when
// they come.
int PoolWorld::CalledWorkers() {
  std::lock_guard lock(idle_mutex_);
  return tokens_;
}

// In the order of Facts(), for its reasons.
bool PoolWorld::AtWork() {
  if (!Stopped() && ReadyTasks() > 0) return true;
  const int blocked = blocked_.load(std::memory_order_acquire);
  return CalledWorkers() > 0 || active_.load(std::memory_order_acquire) > blocked;
}

int PoolWorld::InRegions() const {
  return std::max(0, blocked_.load(std::memory_order_acquire) -
                         checking_fibers_.load(std::memory_order_relaxed));
}

std::uint32_t PoolWorld::Timers() {
  std::uint64_t armings = 0;
  return Timers(&armings);
}

std::uint64_t PoolWorld::Moves() {
  std::uint64_t armings = 0;
  Timers(&armings);
  return Activity() + armings;
}

// The parts are read one after the other, and what moves may go from one that is still to be read
// to one that has been. So the world is quiet only if nothing went anywhere meanwhile.
WorldFacts PoolWorld::Facts() {
  WorldFacts facts;
  facts.name = name();
  const std::uint64_t activity = Activity();
  const int adopted = adopted_threads.load(std::memory_order_acquire);
  std::uint64_t armings = 0, armings_after = 0;
  const std::uint32_t timers = Timers(&armings);
  const int acting = ActingThreads();
  const int outside = acting + UnknownThreads();
  // Before active_: a worker counts itself there before it takes what made it wake up.
  // What becomes ready in a pool that was shut down never runs.
  facts.runnable = Stopped() ? 0 : static_cast<std::uint32_t>(ReadyTasks());
  const int blocked = blocked_.load(std::memory_order_acquire);
  const int called = CalledWorkers();  // before active_, into which they go over
  facts.running = static_cast<std::uint32_t>(std::max(0, active_.load() - blocked) + called);
  const int in_region = std::max(0, blocked - checking_fibers_.load(std::memory_order_relaxed));
  facts.in_region = static_cast<std::uint32_t>(in_region);
  facts.external = static_cast<std::uint32_t>(in_region + outside);
  facts.workers = static_cast<std::uint32_t>(wanted_workers_);
  facts.given_back = given_back_.load(std::memory_order_relaxed);
  facts.timers = Timers(&armings_after);
  facts.steady = activity == Activity() && armings == armings_after && timers == facts.timers &&
                 adopted == adopted_threads.load(std::memory_order_acquire);
  facts.moves = activity + armings;
  facts.main_task = dead_main_.load(std::memory_order_relaxed);
  facts.deadlock = facts.main_task != 0;
  facts.quiet = facts.steady && facts.runnable == 0 && facts.running == 0 && facts.timers == 0 &&
                facts.external == 0;
  return facts;
}

}  // namespace stranded::internal
