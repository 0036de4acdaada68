// The clock of a controlled world, and what it waits for from outside.
#include <algorithm>
#include <chrono>
#include <vector>

#include "runtime_hooks/recorder/state_table.h"
#include "runtime_hooks/scheduler/controlled_world.h"
#include "runtime_hooks/scheduler/relief.h"
#include "stranded/options.h"

namespace stranded::internal {
namespace {

// How often a dead end looks whether a thread that the runtime does not know has woken a task.
constexpr auto kOutsideLook = std::chrono::milliseconds(1);

// Grows when a task of a pool begins to run, or a timer is set.
std::uint64_t PoolMoves() {
  std::uint64_t moves = 0;
  ForEachWorld(
      [](World* world, void* sum) {
        if (world->UsesThreads()) *static_cast<std::uint64_t*>(sum) += world->Facts().moves;
      },
      &moves);
  return moves;
}

}  // namespace

void ControlledWorld::AddTimer(TimerEntry* timer) {
  std::lock_guard lock(timer_mutex_);
  timer->world = this;
  timer->armed = true;
  timers_.Push(timer);
}

bool ControlledWorld::RemoveTimer(TimerEntry* timer) {
  std::lock_guard lock(timer_mutex_);
  if (!timer->armed) return false;
  timer->armed = false;
  timers_.Remove(timer);
  return true;
}

void ControlledWorld::ForEachTimer(void (*f)(const TimerEntry&, void*), void* arg) {
  std::lock_guard lock(timer_mutex_);
  for (const TimerEntry* t : timers_.entries()) f(*t, arg);
}

std::int64_t ControlledWorld::NextDue() const {
  std::lock_guard lock(timer_mutex_);
  return timers_.empty() ? INT64_MAX : timers_.top()->due_ns;
}

bool ControlledWorld::NothingAheadLocked() const {
  return std::none_of(timers_.entries().begin(), timers_.entries().end(),
                      [](const TimerEntry* t) { return t->MovesSomething(); });
}

bool ControlledWorld::NothingAhead() const {
  std::lock_guard lock(timer_mutex_);
  return NothingAheadLocked();
}

// Ticks that nobody waits for would go on for ever; all other timers come to an end.
bool ControlledWorld::TimeHelps() const {
  std::lock_guard lock(timer_mutex_);
  if (timers_.empty()) return false;
  const TimerEntry* next = timers_.top();
  return next->period_ns == 0 || next->MovesSomething() || !NothingAheadLocked();
}

bool ControlledWorld::FireNextTimer(std::int64_t until_ns) {
  TimerEntry* t = nullptr;
  {
    std::lock_guard lock(timer_mutex_);
    if (timers_.empty() || timers_.top()->due_ns > until_ns) return false;
    t = timers_.top();
    if (t->due_ns == INT64_MAX) return false;  // the end of an endless sleep
    timers_.Remove(t);
    t->armed = false;
  }
  if (t->due_ns > NowNs()) coarse_ns_.store(t->due_ns, std::memory_order_relaxed);
  fruitless_ = 0;
  steps_at_timer_ = steps_.load(std::memory_order_relaxed);
  NoteStep(CurrentTask(), WaitKind::kSleep, t->site, ScheduleStep::kTimerFires);
  if (tracing.load(std::memory_order_relaxed)) RecordTime(NowNs());
  t->fire(t);
  return true;
}

// Real machines are slow at times: a timer that is due soon may fire although tasks are ready.
bool ControlledWorld::MayPassTime() const {
  if (settings_.delay_budget_ns <= 0 || reclaiming_) return false;
  const std::int64_t due = NextDue();
  if (due == INT64_MAX || (checking_ && due > check_until_ns_)) return false;
  return record_.delay_ns + std::max<std::int64_t>(0, due - coarse_ns()) <=
         settings_.delay_budget_ns;
}

void ControlledWorld::DropTimers() {
  for (;;) {
    TimerEntry* t = nullptr;
    {
      std::lock_guard lock(timer_mutex_);
      if (timers_.empty()) return;
      t = timers_.top();
      timers_.Remove(t);
      t->armed = false;
    }
    if (t->drop != nullptr) t->drop(t);
  }
}

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
        const WorldFacts facts = world->Facts();
        if (facts.runnable + facts.running > 0) s.found = true;
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
        const WorldFacts facts = world->Facts();
        if (facts.timers + facts.in_region == 0) return;
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

// A wait that a virtual patch ends with its task's context.
bool ControlledWorld::EndIsDue() const {
  return !awaiting_end_.empty() && !reclaiming_ && FirstAtItsEnd(awaiting_end_) != nullptr;
}

// Whoever waits there is taken out of all queues before anybody else acts, as the end of a context
// does with a Select: a value that comes later does not reach it.
Task* ControlledWorld::TakeAtItsEnd() {
  Task* const task = FirstAtItsEnd(awaiting_end_);
  Interrupt(task, WakeReason::kGiveUp);
  const auto at = std::find(ready_.begin(), ready_.end(), task);
  return at == ready_.end() ? nullptr : TakeReady(static_cast<std::size_t>(at - ready_.begin()));
}

// That the runtime did not start, and that were not there when this world began.
int ControlledWorld::ThreadsSince() const {
  std::vector<int> now = ForeignThreads();
  // A thread that ends while they are listed may hide another one.
  const std::vector<int> again = ForeignThreads();
  now.insert(now.end(), again.begin(), again.end());
  std::sort(now.begin(), now.end());
  now.erase(std::unique(now.begin(), now.end()), now.end());
  return static_cast<int>(std::count_if(now.begin(), now.end(), [this](int tid) {
    return !std::binary_search(threads_at_start_.begin(), threads_at_start_.end(), tid);
  }));
}

// True if something came in. Tasks of other worlds that are at work are given as much time as they
// need; those that sleep, and threads the runtime did not start, some.
bool ControlledWorld::WaitForOutside() {
  const auto until =
      std::chrono::steady_clock::now() + std::chrono::milliseconds(GetOptions().outside_ms);
  for (;;) {
    // Looked at first: a task that ends its work wakes ours before it counts as done. What goes
    // from one to the other between the two looks is in neither.
    const std::uint64_t moves = PoolMoves();
    const int to_come = OthersToComeBack();
    bool at_work = OthersAtWork();
    // Between the same two looks: a task of a pool may start one and end, and what one leaves here
    // before it ends is seen below. One of the runtime's own looks like another in the moment in
    // which it starts or ends: looked at again.
    const int threads = ThreadsSince();
    at_work = at_work || PoolMoves() != moves;
    std::unique_lock lock(inbox_mutex_);
    if (!inbox_.empty() || EndIsDue()) return true;
    const bool in_time = std::chrono::steady_clock::now() < until;
    if (!at_work && !((threads > 0 || to_come > 0) && in_time)) {
      outside_threads_.store(threads + to_come, std::memory_order_relaxed);
      return false;
    }
    inbox_wake_.wait_for(lock, kOutsideLook, [&] { return !inbox_.empty(); });
  }
}

}  // namespace stranded::internal
