#include "runtime_hooks/scheduler/controlled_world.h"

#include <pthread.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "runtime_hooks/scheduler/fiber_switch.h"
#include "runtime_hooks/scheduler/stack_pool.h"

namespace stranded::internal {
namespace {

// 2000-01-01, as Go's testing/synctest starts: a fixed moment makes runs repeatable.
constexpr std::int64_t kEpochNs = 946684800LL * 1000000000LL;
// Vain polls in a row, per ready task, before time moves for them.
constexpr std::uint64_t kVainPolls = 16;
// A program that only ever polls must not hold a leak check for ever.
constexpr std::uint64_t kCheckSteps = 200000;
// How long a dead end waits for threads the runtime does not know.
constexpr auto kOutsideGrace = std::chrono::seconds(1);
constexpr auto kOutsideLook = std::chrono::milliseconds(1);

std::uint64_t SplitMix(std::uint64_t& x) {
  std::uint64_t z = (x += 0x9e3779b97f4a7c15ULL);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
  return z ^ (z >> 31);
}

}  // namespace

ControlledWorld::ControlledWorld(std::string name, std::uint64_t seed)
    : World(std::move(name)), seed_(seed) {
  coarse_ns_.store(kEpochNs, std::memory_order_relaxed);
  std::uint64_t s = seed;
  rng_[0] = SplitMix(s);
  rng_[1] = SplitMix(s) | 1;
  RegisterWorld(this);
}

ControlledWorld::~ControlledWorld() { UnregisterWorld(this); }

// xoroshiro128+: small, fast, the same everywhere.
std::uint64_t ControlledWorld::Next() {
  const std::uint64_t a = rng_[0];
  std::uint64_t b = rng_[1];
  const std::uint64_t result = a + b;
  b ^= a;
  rng_[0] = ((a << 24) | (a >> 40)) ^ b ^ (b << 16);
  rng_[1] = (b << 37) | (b >> 27);
  return result;
}

std::size_t ControlledWorld::Choose(std::size_t n) {
  return n <= 1 ? 0 : static_cast<std::size_t>((Next() >> 16) % n);
}

void ControlledWorld::Enter() {
  Task* const main = CurrentTask();
  main_.store(main, std::memory_order_relaxed);
  main_before_ = main->world;
  main_was_main_ = main->is_main;
  main->world = this;
  main->world_id.store(id(), std::memory_order_relaxed);
  main->is_main = true;
  owner_thread_ = static_cast<unsigned long>(pthread_self());
  threads_at_start_ = OsThreads() - runtime_threads.load(std::memory_order_relaxed);
}

void ControlledWorld::Leave() {
  Task* const main = main_task();
  main->is_main = main_was_main_;
  main->world = main_before_;
  main->world_id.store(main_before_->id(), std::memory_order_relaxed);
  // What still stands in the queues belongs to a world that is gone: it never runs.
  for (Task* task : ready_) task->state.store(Task::kParked, std::memory_order_release);
  ready_.clear();
  {
    std::lock_guard lock(timer_mutex_);
    while (!timers_.empty()) {
      TimerEntry* t = timers_.top();
      timers_.Remove(t);
      t->armed = false;
    }
  }
  main_.store(nullptr, std::memory_order_relaxed);
}

void ControlledWorld::Ready(Task* task) {
  if (static_cast<unsigned long>(pthread_self()) == owner_thread_) {
    ready_.push_back(task);
    return;
  }
  std::lock_guard lock(inbox_mutex_);
  inbox_.push_back(task);
  inbox_used_.store(true, std::memory_order_release);  // pairs with the acquire in PickNext
  inbox_wake_.notify_one();
}

Task* ControlledWorld::PickNext() {
  for (;;) {
    if (inbox_used_.load(std::memory_order_acquire)) {
      std::lock_guard lock(inbox_mutex_);
      ready_.insert(ready_.end(), inbox_.begin(), inbox_.end());
      inbox_.clear();
      inbox_used_.store(false, std::memory_order_relaxed);
    }
    if (checking_ && (ready_.empty() || check_steps_left_ == 0)) {
      if (ready_.empty() && FireNextTimer(check_until_ns_)) continue;
      if (ready_.empty() && WaitForOutside()) continue;
      quiet_ = ready_.empty() && TimersEmpty();
      checking_ = false;
      const std::vector<Task*> checkers = std::exchange(checkers_, {});
      for (Task* checker : checkers) Wake(checker);
      // A checker goes first: it must see the world as it is now.
      Task* first = ready_.back();
      ready_.pop_back();
      return first;
    }
    if (!ready_.empty()) {
      const std::size_t i = Choose(ready_.size());
      Task* task = ready_[i];
      ready_[i] = ready_.back();
      ready_.pop_back();
      steps_.store(steps_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
      if (checking_) --check_steps_left_;
      return task;
    }
    if (FireNextTimer(INT64_MAX)) continue;
    if (WaitForOutside()) continue;
    DeadEnd();
  }
}

bool ControlledWorld::FireNextTimer(std::int64_t until_ns) {
  TimerEntry* t = nullptr;
  {
    std::lock_guard lock(timer_mutex_);
    if (timers_.empty() || timers_.top()->due_ns > until_ns) return false;
    t = timers_.top();
    timers_.Remove(t);
    t->armed = false;
  }
  if (t->due_ns > NowNs()) coarse_ns_.store(t->due_ns, std::memory_order_relaxed);
  fruitless_ = 0;
  t->fire(t);
  return true;
}

bool ControlledWorld::TimersEmpty() const {
  std::lock_guard lock(timer_mutex_);
  return timers_.empty();
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

// True if something came in. Threads the runtime did not start may still wake a task; they are
// given some time, tasks of other worlds as much as they need.
bool ControlledWorld::WaitForOutside() {
  const bool threads =
      OsThreads() - runtime_threads.load(std::memory_order_relaxed) > threads_at_start_;
  const auto until = std::chrono::steady_clock::now() + kOutsideGrace;
  for (;;) {
    // Looked at first: a task that ends its work wakes ours before it counts as done.
    const bool at_work = OthersAtWork();
    std::unique_lock lock(inbox_mutex_);
    if (!inbox_.empty()) return true;
    const bool waiting_for_threads = threads && std::chrono::steady_clock::now() < until;
    if (!at_work && !waiting_for_threads) return false;
    inbox_wake_.wait_for(lock, kOutsideLook, [&] { return !inbox_.empty(); });
  }
}

void ControlledWorld::DeadEnd() {
  deadlock_ = true;
  quiet_ = true;
  Interrupt(main_task(), WakeReason::kDeadlock);
}

void ControlledWorld::RunNext(Task* self, void (*after)(void*), void* arg) {
  Task* next = PickNext();
  if (next == self) {
    if (after != nullptr) after(arg);
    return;
  }
  SwitchTo(self, next, false, after, arg);
}

WakeReason ControlledWorld::Park(Task* self, void (*after)(void*), void* arg) {
  // One thread runs this world, so nobody can resume `self` before the switch below is complete;
  // a foreign Wake only fills the inbox. The lock can therefore be released at once.
  fruitless_ = 0;
  self->state.store(Task::kParked, std::memory_order_release);
  if (after != nullptr) after(arg);
  RunNext(self, nullptr, nullptr);
  const std::uint32_t state = self->state.load(std::memory_order_acquire);
  self->state.store(Task::kRunning, std::memory_order_relaxed);
  return static_cast<WakeReason>(state >> Task::kReasonShift);
}

void ControlledWorld::Point(Task* self, WaitKind, const void*, const std::source_location&) {
  if (ready_.empty() && !inbox_used_.load(std::memory_order_relaxed)) return;
  self->state.store(Task::kRunnable, std::memory_order_relaxed);
  ready_.push_back(self);
  RunNext(self, nullptr, nullptr);
  self->state.store(Task::kRunning, std::memory_order_relaxed);
}

void ControlledWorld::Yield(Task* self) {
  Fruitless(self);
  Point(self, WaitKind::kNone, nullptr, {});
}

void ControlledWorld::Fruitless(Task*) {
  if (++fruitless_ < kVainPolls * (ready_.size() + 1)) return;
  fruitless_ = 0;
  FireNextTimer(checking_ ? check_until_ns_ : INT64_MAX);
}

void ControlledWorld::FinishFiber(Task* self) {
  fruitless_ = 0;
  self->dying = true;
  Task* next = PickNext();
  SwitchTo(
      self, next, false,
      [](void* p) {
        auto* task = static_cast<Task*>(p);
        ReleaseFiber(task);
        FreeStack(task->stack);
        task->stack = nullptr;
        UnrefTask(task);
      },
      self);
}

bool ControlledWorld::RunUntilQuiet(std::int64_t grace_ns) {
  Task* self = CurrentTask();
  quiet_ = false;
  check_until_ns_ = std::max(checking_ ? check_until_ns_ : 0, NowNs() + grace_ns);
  checking_ = true;
  checkers_.push_back(self);
  check_steps_left_ = kCheckSteps;
  self->wait = WaitRecord{};
  self->wait.kind = WaitKind::kLeakCheck;
  Park(self, nullptr, nullptr);
  self->wait.kind = WaitKind::kNone;
  return quiet_;
}

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

WorldFacts ControlledWorld::Facts() {
  WorldFacts facts;
  facts.controlled = true;
  facts.name = name();
  facts.policy = "random walk";
  facts.seed = seed_;
  facts.steps = steps_;
  facts.quiet = quiet_;
  facts.deadlock = deadlock_;
  // From another thread only what it may look at; then the world counts as moving.
  const bool own = static_cast<unsigned long>(pthread_self()) == owner_thread_;
  facts.runnable = own ? static_cast<std::uint32_t>(ready_.size()) : 1;
  {
    std::lock_guard lock(timer_mutex_);
    facts.timers = static_cast<std::uint32_t>(timers_.size());
  }
  facts.quiet &= own;
  facts.running = facts.quiet ? 0 : 1;
  const Task* main = main_.load(std::memory_order_relaxed);
  facts.main_task = main == nullptr ? 0 : main->id;
  facts.workers = 1;
  return facts;
}

void ControlledWorld::EnterBlocking(Task* self) {
  self->in_blocking_region.store(true, std::memory_order_relaxed);
}
void ControlledWorld::LeaveBlocking(Task* self) {
  self->in_blocking_region.store(false, std::memory_order_relaxed);
}

}  // namespace stranded::internal
