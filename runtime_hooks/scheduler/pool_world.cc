#include "runtime_hooks/scheduler/pool_world.h"

#include <time.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <random>

#include "runtime_hooks/scheduler/fiber_switch.h"
#include "runtime_hooks/scheduler/stack_pool.h"
#include "stranded/internal/recorder_hooks.h"
#include "stranded/options.h"

namespace stranded::internal {
namespace {

constexpr std::uint32_t kFairEvery = 61;  // as Go: a shared task waits for 60 others at most
constexpr int kMaxWorkers = 512;

thread_local void* this_worker = nullptr;
std::atomic<PoolWorld*> retired{nullptr};

__attribute__((noinline)) void* ThisWorker() {
  void** p = &this_worker;
  asm volatile("" : "+r"(p)::"memory");
  return *p;
}

}  // namespace

PoolWorld* DefaultPool() {
  static auto* pool = new PoolWorld("default pool", GetOptions().workers);
  return pool;
}

PoolWorld::PoolWorld(std::string name, int workers)
    : World(std::move(name)), wanted_workers_(workers) {
  if (wanted_workers_ <= 0) {
    wanted_workers_ = static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
  }
  wanted_workers_ = std::min(wanted_workers_, kMaxWorkers / 2);
  RegisterWorld(this);
}

// With the first task: a program that only uses controlled worlds has no worker threads.
void PoolWorld::StartWorkers() {
  std::call_once(started_, [this] {
    for (int i = 0; i < wanted_workers_; ++i) StartWorker(false);
  });
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
  worker_count_.store(0, std::memory_order_release);
  workers_.clear();
  // In a list, so that leak checkers find it. Relaxed: nobody reads through the list.
  next_retired_ = retired.load(std::memory_order_relaxed);
  while (!retired.compare_exchange_weak(next_retired_, this, std::memory_order_relaxed)) {
  }
}

void PoolWorld::StartWorker(bool surplus) {
  std::lock_guard lock(workers_mutex_);
  const int index = worker_count_.load(std::memory_order_relaxed);
  if (index >= kMaxWorkers) return;
  auto worker = std::make_unique<Worker>();
  worker->index = index;
  worker->surplus = surplus;
  Worker* raw = worker.get();
  workers_.push_back(std::move(worker));
  // Release: pairs with the acquire in Steal, which then sees the record.
  by_index_[index].store(raw, std::memory_order_release);
  worker_count_.store(index + 1, std::memory_order_release);
  threads_.emplace_back([this, raw] { Run(raw); });
}

void PoolWorld::Run(Worker* worker) {
  const RuntimeThread counted;
  PrepareThreadForSignals();
  this_worker = worker;
  worker->root.world = this;
  PrepareRoot(&worker->root);
  active_.fetch_add(1, std::memory_order_acq_rel);
  while (!stop_.load(std::memory_order_acquire)) {
    Task* task = Pick(worker);
    if (task == nullptr) {
      if (!Sleep(worker)) break;
      continue;
    }
    task->state.store(Task::kRunning | (task->state.load(std::memory_order_relaxed) &
                                        ~Task::kStateMask & ~Task::kFrozen),
                      std::memory_order_relaxed);
    SwitchTo(&worker->root, task, false, nullptr, nullptr);
  }
  active_.fetch_sub(1, std::memory_order_acq_rel);
  SetCurrent(nullptr);
}

Task* PoolWorld::PopShared() {
  SpinGuard guard(shared_lock_);
  if (shared_.empty()) return nullptr;
  Task* task = shared_.front();
  shared_.pop_front();
  return task;
}

Task* PoolWorld::Pick(Worker* worker) {
  Task* task = nullptr;
  const std::uint32_t picks = worker->picks.load(std::memory_order_relaxed) + 1;
  worker->picks.store(picks, std::memory_order_relaxed);
  if (picks % kFairEvery == 0) task = PopShared();
  if (task == nullptr) {
    SpinGuard guard(worker->lock);
    if (!worker->queue.empty()) {
      // Newest first keeps caches warm and spawn trees small; every kFairEvery-th time the oldest,
      // so that nobody waits for ever behind newer ones.
      if (picks % kFairEvery == 1) {
        task = worker->queue.front();
        worker->queue.pop_front();
      } else {
        task = worker->queue.back();
        worker->queue.pop_back();
      }
    }
  }
  if (task == nullptr) task = PopShared();
  if (task == nullptr) task = Steal(worker);
  if (task != nullptr) pending_.fetch_sub(1, std::memory_order_acq_rel);
  return task;
}

Task* PoolWorld::Steal(Worker* thief) {
  const int count = worker_count_.load(std::memory_order_acquire);
  for (int i = 1; i < count; ++i) {
    Worker* victim = by_index_[(thief->index + i) % count].load(std::memory_order_acquire);
    if (victim == nullptr) continue;
    SpinGuard guard(victim->lock);
    for (auto it = victim->queue.begin(); it != victim->queue.end(); ++it) {
      if ((*it)->pinned) continue;
      Task* task = *it;
      victim->queue.erase(it);
      return task;
    }
  }
  return nullptr;
}

void PoolWorld::Push(Task* task) {
  auto* self = static_cast<Worker*>(ThisWorker());
  Worker* target = self != nullptr && self->root.world == this ? self : nullptr;
  if (task->pinned) {
    if (task->pinned_worker < 0) task->pinned_worker = target != nullptr ? target->index : 0;
    target = by_index_[task->pinned_worker].load(std::memory_order_acquire);
  }
  // Counted first: a worker about to sleep must not miss it.
  pending_.fetch_add(1, std::memory_order_seq_cst);
  if (target != nullptr) {
    SpinGuard guard(target->lock);
    target->queue.push_back(task);
  } else {
    SpinGuard guard(shared_lock_);
    shared_.push_back(task);
  }
}

void PoolWorld::Ready(Task* task) {
  if (task->is_thread) {
    // Release: before the thread can act; pairs with the acquire in Activity().
    thread_wakes_.fetch_add(1, std::memory_order_release);
    sem_post(&task->thread_wake);
    return;
  }
  Push(task);
  // Seq_cst pairs with Sleep(): either it sees pending_, or this sees it asleep.
  if (asleep_.load(std::memory_order_seq_cst) > 0) {
    std::lock_guard lock(idle_mutex_);
    if (task->pinned) {
      work_.notify_all();
    } else {
      work_.notify_one();
    }
  }
}

// False when the worker should end.
bool PoolWorld::Sleep(Worker* worker) {
  std::unique_lock lock(idle_mutex_);
  asleep_.fetch_add(1, std::memory_order_seq_cst);
  active_.fetch_sub(1, std::memory_order_acq_rel);
  idle_.notify_all();
  // A pinned task can be pending that this worker may not take: then it sleeps a little, too.
  if (pending_.load(std::memory_order_seq_cst) > 0) {
    work_.wait_for(lock, std::chrono::microseconds(50));
  } else {
    work_.wait(lock, [&] {
      return stop_.load(std::memory_order_acquire) || pending_.load(std::memory_order_seq_cst) > 0;
    });
  }
  asleep_.fetch_sub(1, std::memory_order_seq_cst);
  active_.fetch_add(1, std::memory_order_acq_rel);
  (void)worker;
  return !stop_.load(std::memory_order_acquire);
}

WakeReason PoolWorld::Park(Task* self, void (*after)(void*), void* arg) {
  if (self->is_thread) {
    // Release: a freezer or waker (acquire) sees the wait record.
    self->state.store(Task::kParked, std::memory_order_release);
    if (after != nullptr) after(arg);
    SleepThread(self);
  } else {
    auto* worker = static_cast<Worker*>(ThisWorker());
    SwitchTo(self, &worker->root, true, after, arg);
  }
  const std::uint32_t state = self->state.load(std::memory_order_acquire);
  self->state.store(Task::kRunning, std::memory_order_relaxed);
  return static_cast<WakeReason>(state >> Task::kReasonShift);
}

void PoolWorld::Requeue(void* p) {
  auto* task = static_cast<Task*>(p);
  auto* world = static_cast<PoolWorld*>(task->world);
  world->pending_.fetch_add(1, std::memory_order_seq_cst);
  SpinGuard guard(world->shared_lock_);
  world->shared_.push_back(task);
}

void PoolWorld::Yield(Task* self) {
  if (self->is_thread) {
    std::this_thread::yield();
    return;
  }
  auto* worker = static_cast<Worker*>(ThisWorker());
  self->state.store(Task::kRunnable, std::memory_order_relaxed);
  if (self->pinned) {
    SwitchTo(
        self, &worker->root, false,
        [](void* p) { static_cast<Task*>(p)->world->Ready(static_cast<Task*>(p)); }, self);
  } else {
    SwitchTo(self, &worker->root, false, &Requeue, self);
  }
}

std::size_t PoolWorld::Choose(std::size_t n) {
  thread_local std::uint64_t state = std::random_device{}() | 1;
  std::uint64_t* s = &state;
  asm volatile("" : "+r"(s)::"memory");
  *s ^= *s << 13;
  *s ^= *s >> 7;
  *s ^= *s << 17;
  return n == 0 ? 0 : (*s >> 11) % n;
}

void PoolWorld::FinishFiber(Task* self) {
  auto* worker = static_cast<Worker*>(ThisWorker());
  self->dying = true;
  SwitchTo(
      self, &worker->root, false,
      [](void* p) {
        auto* task = static_cast<Task*>(p);
        auto* world = static_cast<PoolWorld*>(task->world);
        ReleaseFiber(task);
        FreeStack(task->stack);
        task->stack = nullptr;
        UnrefTask(task);
        world->live_.fetch_sub(1, std::memory_order_acq_rel);
      },
      self);
}

void PoolWorld::EnterBlocking(Task* self) {
  self->in_blocking_region.store(true, std::memory_order_relaxed);
  if (self->is_thread) return;
  // The fiber keeps its thread; another worker stands in for it. Stand-ins stay for the next time.
  const int blocked = blocked_.fetch_add(1, std::memory_order_acq_rel) + 1;
  int have = surplus_wanted_.load(std::memory_order_acquire);
  while (have < blocked) {
    if (surplus_wanted_.compare_exchange_weak(have, have + 1, std::memory_order_acq_rel)) {
      StartWorker(true);
      return;
    }
  }
}

void PoolWorld::LeaveBlocking(Task* self) {
  self->in_blocking_region.store(false, std::memory_order_relaxed);
  if (!self->is_thread) blocked_.fetch_sub(1, std::memory_order_acq_rel);
}

}  // namespace stranded::internal
