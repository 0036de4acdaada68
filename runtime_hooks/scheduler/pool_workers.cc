// The threads of a pool: how they start, look for work, sleep and end.
#include <sched.h>

#include <algorithm>
#include <chrono>

#include "runtime_hooks/registry/spawn_node.h"
#include "runtime_hooks/registry/thread_block.h"
#include "runtime_hooks/scheduler/fiber_switch.h"
#include "runtime_hooks/scheduler/pool_world.h"
#include "runtime_hooks/scheduler/stack_pool.h"
#include "stranded/internal/recorder_hooks.h"

namespace stranded::internal {
namespace {

using std::chrono::microseconds;
using std::chrono::steady_clock;

// A worker that sleeps costs its waker 8 us and is there 30 us later, so it looks around as long.
constexpr int kLooks = 32, kFewLooks = 10;
constexpr microseconds kFirstPause{1}, kLongestPause{8};
constexpr microseconds kSentinelFirst{1000}, kSentinelLongest{4000};

std::atomic<PoolWorld*> retired{nullptr};

bool OneProcessor() {
  static const bool one = [] {
    cpu_set_t set;
    return sched_getaffinity(0, sizeof(set), &set) == 0 && CPU_COUNT(&set) == 1;
  }();
  return one;
}

void PauseFor(microseconds time) {
  if (OneProcessor()) {
    std::this_thread::yield();
    return;
  }
  const auto until = steady_clock::now() + time;
  while (steady_clock::now() < until) {
    for (int i = 0; i < 8; ++i) __builtin_ia32_pause();
  }
}

}  // namespace

// With the first task: a program that only uses controlled worlds has no worker threads.
void PoolWorld::StartWorkers() {
  std::call_once(started_, [this] {
    for (int i = 0; i < wanted_workers_; ++i) StartWorker();
  });
}

void PoolWorld::StartWorker() {
  std::lock_guard lock(workers_mutex_);
  const int index = worker_count_.load(std::memory_order_relaxed);
  if (index >= kMaxWorkers) return;
  auto worker = std::make_unique<Worker>();
  worker->world = this;
  worker->index = index;
  Worker* raw = worker.get();
  workers_.push_back(std::move(worker));
  // Release: pairs with the acquire of whoever walks the workers.
  by_index_[index].store(raw, std::memory_order_release);
  worker_count_.store(index + 1, std::memory_order_release);
  // Counted from here on: a pool whose workers have yet to begin is not quiet.
  active_.fetch_add(1, std::memory_order_acq_rel);
  try {
    threads_.push_back(StartRuntimeThread([this, raw] { Run(raw); }));
  } catch (...) {
    active_.fetch_sub(1, std::memory_order_acq_rel);
    throw;
  }
}

void PoolWorld::Stop(bool all_done) {
  {
    std::lock_guard lock(idle_mutex_);
    stop_.store(true, std::memory_order_release);
  }
  {
    std::lock_guard lock(timer_mutex_);
    timer_wake_.notify_all();
  }
  work_.notify_all();
  sentinel_work_.notify_all();
  std::vector<std::thread> threads;
  {
    std::lock_guard lock(workers_mutex_);
    threads.swap(threads_);
  }
  for (std::thread& t : threads) {
    if (all_done) {
      t.join();
    } else {
      t.detach();  // it may sit in a system call for ever
    }
  }
  if (!all_done || HasTimers()) return;
  UnregisterWorld(this);
  std::lock_guard lock(workers_mutex_);
  finished_before_.store(spawned_elsewhere_.load(std::memory_order_relaxed),
                         std::memory_order_relaxed);  // all of them
  worker_count_.store(0, std::memory_order_release);
  workers_.clear();
  // In a list, so that leak checkers find it. Relaxed: nobody reads through the list.
  next_retired_ = retired.load(std::memory_order_relaxed);
  while (!retired.compare_exchange_weak(next_retired_, this, std::memory_order_relaxed)) {
  }
}

void PoolWorld::Run(Worker* worker) {
  PrepareThreadForSignals();
  Here()->worker = worker;
  worker->root.world = this;
  PrepareRoot(&worker->root);
  while (!stop_.load(std::memory_order_acquire)) {
    Task* task = Next(worker, kLeaves);
    if (task == nullptr) task = Search(worker);
    if (task != nullptr) {
      SwitchTo(&worker->root, task, false, nullptr, nullptr);
    } else if (!Sleep(worker)) {
      break;
    }
  }
  active_.fetch_sub(1, std::memory_order_acq_rel);
  Here()->worker = nullptr;
  SetCurrent(nullptr);
}

// Looks for tasks whose worker will not come to them soon.
Task* PoolWorld::Search(Worker* worker) {
  if (worker_count_.load(std::memory_order_acquire) == 1) return nullptr;
  searching_.fetch_add(1, std::memory_order_relaxed);
  std::vector<Glimpse>& seen = worker->seen;
  seen.resize(static_cast<std::size_t>(worker_count_.load(std::memory_order_acquire)));
  EndTrial(worker);
  const bool due = std::exchange(worker->due, false);
  if (due) std::fill(seen.begin(), seen.end(), Glimpse{});
  const int patience = due ? 0 : vain_thefts_.load(std::memory_order_relaxed);
  const int looks = patience >= kChatty ? kFewLooks : kLooks;  // the sentinel will know better
  Task* found = nullptr;
  microseconds pause = kFirstPause;
  for (int look = 0; look < looks && found == nullptr; ++look) {
    if (stop_.load(std::memory_order_relaxed)) break;
    found = worker->queue.TakeNew();  // something was given back to it
    if (found == nullptr) found = PopShared();
    if (found == nullptr) found = PopInbox(worker);
    if (found != nullptr) break;
    const auto now = steady_clock::now();
    const std::size_t count = seen.size();
    for (std::size_t i = 1; i < count && found == nullptr; ++i) {
      const std::size_t index = (static_cast<std::size_t>(worker->index) + i) % count;
      if (index == static_cast<std::size_t>(worker->index)) continue;
      Worker* victim = by_index_[index].load(std::memory_order_acquire);
      if (!Lasts(*victim, patience, seen[index], now)) continue;
      found = StealFrom(victim, worker);
      if (found != nullptr) BeginTrial(worker, victim, seen[index], now);
      seen[index] = {};
    }
    if (found != nullptr) break;
    if (MakeStacksAhead()) {
      look = 0;  // a useful pause; then the looks begin anew
      continue;
    }
    PauseFor(pause);
    pause = std::min(pause * 2, kLongestPause);
  }
  searching_.fetch_sub(1, std::memory_order_relaxed);
  // One was found: perhaps there are more for somebody else.
  if (found != nullptr && asleep_.load(std::memory_order_relaxed) > 0 &&
      (shared_size_.load(std::memory_order_relaxed) > 0 || worker->queue.size() > 1)) {
    WakeOne();
  }
  return found;
}

// A task of `worker` could run elsewhere. Waking a thread is worth it only if it then finds one: as
// long as it does not, more and more wake-ups are left out.
void PoolWorld::WakeForOwn(Worker* worker) {
  const std::uint32_t skip = worker->wakes_to_skip.load(std::memory_order_relaxed);
  if (skip > 0) {
    worker->wakes_to_skip.store(skip - 1, std::memory_order_relaxed);
    return;
  }
  if (searching_.load(std::memory_order_relaxed) > 0) return;
  if (vain_thefts_.load(std::memory_order_relaxed) >= kChatty) return;  // the sentinel decides
  const std::uint32_t next = worker->wakes_skipped_next.load(std::memory_order_relaxed);
  worker->wakes_to_skip.store(next, std::memory_order_relaxed);
  worker->wakes_skipped_next.store(std::min(2 * next + 1, Worker::kMostWakesSkipped),
                                   std::memory_order_relaxed);
  WakeOne();
}

void PoolWorld::WakeOne() {
  std::lock_guard lock(idle_mutex_);
  const int asleep = asleep_.load(std::memory_order_relaxed);
  if (asleep <= tokens_) return;
  ++tokens_;
  // The sentinel comes last: somebody must watch. When nobody runs, all are asleep.
  if (has_sentinel_ && asleep == 1) {
    sentinel_work_.notify_one();
  } else {
    work_.notify_one();
  }
}

bool PoolWorld::HasWork(Worker* worker) {
  return stop_.load(std::memory_order_acquire) ||
         shared_size_.load(std::memory_order_acquire) > 0 || worker->queue.size() > 0 ||
         worker->inbox_size.load(std::memory_order_acquire) > 0;
}

// False when the worker should end.
bool PoolWorld::Sleep(Worker* worker) {
  DropSpawnStash();
  std::unique_lock lock(idle_mutex_);
  asleep_.fetch_add(1, std::memory_order_seq_cst);
  if (active_.fetch_sub(1, std::memory_order_acq_rel) == 1) {
    // All that has been learnt was about other tasks than those that will come.
    vain_thefts_.store(vain_thefts_.load(std::memory_order_relaxed) / 2, std::memory_order_relaxed);
  }
  HeavyBarrier();  // see the invariants: what is queued from here on is followed by a wake-up
  idle_.notify_all();
  for (;;) {
    if (HasWork(worker) || tokens_ > 0) break;
    const bool watch = !has_sentinel_ && active_.load(std::memory_order_acquire) > 0 &&
                       worker_count_.load(std::memory_order_relaxed) > 1;
    if (watch && SleepAsSentinel(worker, lock)) break;
    if (!watch) work_.wait(lock);
  }
  if (tokens_ > 0) --tokens_;  // whoever leaves does what the one that was called would have
  asleep_.fetch_sub(1, std::memory_order_seq_cst);
  active_.fetch_add(1, std::memory_order_acq_rel);
  // The first one that goes to work leaves the others without anybody who watches.
  if (!has_sentinel_ && asleep_.load(std::memory_order_relaxed) > 0) work_.notify_one();
  return !stop_.load(std::memory_order_acquire);
}

// True when there is something to do, false when nobody is left to watch.
bool PoolWorld::SleepAsSentinel(Worker* worker, std::unique_lock<std::mutex>& lock) {
  has_sentinel_ = true;
  std::vector<Glimpse> seen;
  const auto since = steady_clock::now();
  microseconds time = kSentinelFirst;
  bool called = false;
  while (!called && active_.load(std::memory_order_acquire) > 0) {
    sentinel_work_.wait_for(lock, time);
    worker->due = SeesSurplus(*worker, seen, since);
    called = worker->due || HasWork(worker) || tokens_ > 0;
    time = std::min(2 * time, kSentinelLongest);
  }
  has_sentinel_ = false;
  return called;
}

}  // namespace stranded::internal
