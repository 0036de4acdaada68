// Where tasks go when they become ready, block, yield or finish.
#include "runtime_hooks/scheduler/pool_world.h"

#include <algorithm>
#include <random>

#include "runtime_hooks/registry/thread_block.h"
#include "runtime_hooks/scheduler/fiber_switch.h"
#include "runtime_hooks/scheduler/stack_pool.h"
#include "stranded/options.h"

namespace stranded::internal {
namespace {

// Every so many picks (Go's number) what came from outside has its turn; the worker's own oldest
// task has one at least and at most so many picks after its last.
constexpr std::uint32_t kOutsideEvery = 61, kOldestSoonest = 61, kOldestLatest = 4096;
// Whoever spawns so many one after the other lets them run before it goes on: they find their
// stacks in the cache, and the next ones take these over. No others, or it would wait for all that
// is ready, and a tree of tasks be walked breadth first.
constexpr std::uint32_t kMostInARow = 16;

}  // namespace

PoolWorld* DefaultPool() {
  static auto* pool = new PoolWorld("default pool", GetOptions().workers);
  return pool;
}

PoolWorld::PoolWorld(std::string name, int workers)
    : World(std::move(name)), wanted_workers_(workers) {
  uses_threads_ = true;
  if (wanted_workers_ <= 0) {
    wanted_workers_ = static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
  }
  wanted_workers_ = std::min(wanted_workers_, kMaxWorkers / 2);
  RegisterWorld(this);
}

// What is rarely needed on the way from a spawn to a finish stands in functions of its own that are
// called last: so the usual way has no registers to save.
void PoolWorld::Start(Task* task, Task* spawner) {
  Worker* worker = MyWorker();
  if (worker == nullptr || task->pinned) [[unlikely]]
    return StartElsewhere(worker, task);
  worker->spawned.store(worker->spawned.load(std::memory_order_relaxed) + 1,
                        std::memory_order_relaxed);
  if (!worker->queue.TryPushNew(task)) [[unlikely]]
    return StartSlowly(worker, task, spawner);
  if (SomebodySleeps()) [[unlikely]]
    return WakeForStarted(worker, spawner);
  CountSpawn(worker, spawner);
}

__attribute__((noinline)) void PoolWorld::StartSlowly(Worker* worker, Task* task, Task* spawner) {
  worker->queue.PushNew(task);
  NoteQueued(worker);
  CountSpawn(worker, spawner);
}

__attribute__((noinline)) void PoolWorld::WakeForStarted(Worker* worker, Task* spawner) {
  WakeForOwn(worker);
  CountSpawn(worker, spawner);
}

inline void PoolWorld::CountSpawn(Worker* worker, Task* spawner) {
  // Not a fiber of a controlled world that runs on this worker's thread either.
  if (spawner == nullptr || spawner->is_thread || spawner->world != this) return;
  if (worker->spawner != spawner->id) {
    worker->spawner = spawner->id;
    worker->spawned_in_a_row = 0;
  }
  if (++worker->spawned_in_a_row == kMostInARow) [[unlikely]]
    GiveWayToSpawned(worker, spawner);
}

__attribute__((noinline)) void PoolWorld::StartElsewhere(Worker* worker, Task* task) {
  spawned_elsewhere_.fetch_add(1, std::memory_order_relaxed);
  if (worker == nullptr) StartWorkers();
  PushElsewhere(worker, task);
}

__attribute__((noinline)) void PoolWorld::GiveWayToSpawned(Worker* worker, Task* self) {
  worker->spawned_in_a_row = 0;
  if (CallForStacks() && asleep_.load(std::memory_order_relaxed) > 0) WakeOne();
  if (self->pinned || self->in_blocking_region.load(std::memory_order_relaxed)) return;
  Task* next = Next(worker, kStays);
  if (next == nullptr) return;
  GiveWay(self, next, [](void* task) {
    auto* mine = static_cast<Worker*>(Here()->worker);
    mine->queue.PushBehind(kMostInARow - 1, static_cast<Task*>(task));
    mine->world->NoteQueued(mine);
  });
}

// What finished is added up first: a task that is missed there is alive at most for a moment more.
std::int64_t PoolWorld::live() const {
  const int count = worker_count_.load(std::memory_order_acquire);
  std::int64_t finished = finished_before_.load(std::memory_order_acquire);
  for (int i = 0; i < count; ++i) {
    // Acquire pairs with the release in ReleaseAfterSwitch.
    finished +=
        by_index_[i].load(std::memory_order_acquire)->finished.load(std::memory_order_acquire);
  }
  std::int64_t spawned = spawned_elsewhere_.load(std::memory_order_relaxed);
  for (int i = 0; i < count; ++i) {
    spawned +=
        by_index_[i].load(std::memory_order_acquire)->spawned.load(std::memory_order_relaxed);
  }
  return spawned - finished;
}

std::size_t PoolWorld::ReadyTasks() const {
  std::size_t sum = shared_size_.load(std::memory_order_acquire);
  for (int i = worker_count_.load(std::memory_order_acquire); i-- > 0;) {
    const Worker& w = *by_index_[i].load(std::memory_order_acquire);
    sum += w.queue.size() + w.inbox_size.load(std::memory_order_acquire);
  }
  return sum;
}

Task* PoolWorld::PopShared() {
  if (shared_size_.load(std::memory_order_relaxed) == 0) return nullptr;
  SpinGuard guard(shared_lock_);
  if (shared_.empty()) return nullptr;
  Task* task = shared_.front();
  shared_.pop_front();
  shared_size_.store(shared_.size(), std::memory_order_release);
  return task;
}

Task* PoolWorld::PopInbox(Worker* worker) {
  if (worker->inbox_size.load(std::memory_order_relaxed) == 0) return nullptr;
  SpinGuard guard(worker->inbox_lock);
  Task* task = worker->inbox.front();  // only this worker takes
  worker->inbox.pop_front();
  worker->inbox_size.store(worker->inbox.size(), std::memory_order_release);
  return task;
}

void PoolWorld::PushShared(Task* task) {
  SpinGuard guard(shared_lock_);
  shared_.push_back(task);
  // Seq_cst: before the look at asleep_.
  shared_size_.store(shared_.size(), std::memory_order_seq_cst);
}

void PoolWorld::PushInbox(Worker* worker, Task* task) {
  SpinGuard guard(worker->inbox_lock);
  worker->inbox.push_back(task);
  worker->inbox_size.store(worker->inbox.size(), std::memory_order_seq_cst);
}

// Newest first keeps caches warm and spawn trees small; now and then somebody else must have a
// turn.
Task* PoolWorld::Next(Worker* worker, Then then) {
  const std::uint32_t picks = worker->picks.load(std::memory_order_relaxed) + 1;
  worker->picks.store(picks, std::memory_order_relaxed);
  worker->ops.store(Here()->ops, std::memory_order_relaxed);
  if (picks % kOutsideEvery == 0 || picks - worker->last_fair >= worker->fair_every) [[unlikely]]
    return NextInTurn(worker, then);
  if (Task* task = worker->queue.TryTakeNew()) [[likely]] {
    CountDrained(worker);
    return task;
  }
  return NextReady(worker);
}

__attribute__((noinline)) Task* PoolWorld::NextInTurn(Worker* worker, Then then) {
  const std::uint32_t picks = worker->picks.load(std::memory_order_relaxed);
  if (picks % kOutsideEvery == 0) {
    if (then == kLeaves && worker->trial.stage != Trial::kNone && GivesBack(worker)) return nullptr;
    FetchStuck(worker);
    if (Task* task = OutsideNext(worker)) return task;
  }
  if (picks - worker->last_fair >= worker->fair_every) {
    if (Task* task = FairNext(worker)) return task;
  }
  return NextReady(worker);
}

__attribute__((noinline)) Task* PoolWorld::NextReady(Worker* worker) {
  if (Task* task = worker->queue.TakeNew()) {
    CountDrained(worker);
    return task;
  }
  if (Task* task = PopInbox(worker)) return task;
  return PopShared();
}

inline void PoolWorld::CountDrained(Worker* worker) {
  if (worker->queue.size() > 0) return;
  worker->drained.store(worker->drained.load(std::memory_order_relaxed) + 1,
                        std::memory_order_relaxed);
}

// The oldest task of a tree that is being spawned is a large branch of it: where such turns make
// the queue grow, they are taken less often, or the tree would be walked breadth first and a
// million of its tasks be alive at once.
Task* PoolWorld::FairNext(Worker* worker) {
  const std::size_t ready = worker->queue.size();
  const std::uint32_t every = worker->fair_every;
  worker->fair_every = ready > worker->ready_at_fair ? std::min(2 * every, kOldestLatest)
                                                     : std::max(every / 2, kOldestSoonest);
  worker->ready_at_fair = ready;
  worker->last_fair = worker->picks.load(std::memory_order_relaxed);
  return worker->queue.TakeOld();
}

// In turns: neither may keep the other waiting.
Task* PoolWorld::OutsideNext(Worker* worker) {
  worker->inbox_first = !worker->inbox_first;
  Task* task = worker->inbox_first ? PopInbox(worker) : PopShared();
  if (task != nullptr) return task;
  return worker->inbox_first ? PopShared() : PopInbox(worker);
}

// For what one certain worker must see: which one that is cannot be told apart among the sleepers.
void PoolWorld::WakeAllSleepers() {
  { std::lock_guard lock(idle_mutex_); }
  work_.notify_all();
  sentinel_work_.notify_all();
}

// From a thread outside the pool, or a pinned task.
void PoolWorld::PushElsewhere(Worker* worker, Task* task) {
  if (task->pinned) {
    if (task->pinned_worker < 0) task->pinned_worker = worker != nullptr ? worker->index : 0;
    PushInbox(by_index_[task->pinned_worker].load(std::memory_order_acquire), task);
    WakeAllSleepers();
    return;
  }
  PushShared(task);
  FullBarrier();
  if (asleep_.load(std::memory_order_seq_cst) > 0) WakeOne();
}

void PoolWorld::Ready(Task* task) {
  if (task->is_thread) [[unlikely]] {
    // Release: before the thread can act; pairs with the acquire in Activity().
    thread_wakes_.fetch_add(1, std::memory_order_release);
    sem_post(&task->thread_wake);
    return;
  }
  ReadyFiber(task);
}

Task* PoolWorld::NextOrRoot() {
  auto* worker = static_cast<Worker*>(Here()->worker);
  Task* next = worker->world->Next(worker, kLeaves);
  return next != nullptr ? next : &worker->root;
}

WakeReason PoolWorld::Park(Task* self, void (*after)(void*), void* arg) {
  if (!self->is_thread) return ParkFiber(self, after, arg);
  // Release: a freezer or waker (acquire) sees the wait record.
  self->state.store(Task::kParked, std::memory_order_release);
  if (after != nullptr) after(arg);
  SleepThread(self);
  const std::uint32_t state = self->state.load(std::memory_order_acquire);
  self->state.store(Task::kRunning, std::memory_order_relaxed);
  return static_cast<WakeReason>(state >> Task::kReasonShift);
}

void PoolWorld::YieldAfterSwitch(void* p) {
  auto* task = static_cast<Task*>(p);
  auto* world = static_cast<PoolWorld*>(task->world);
  Worker* worker = world->MyWorker();
  if (task->pinned) {
    world->PushInbox(worker, task);
    return;
  }
  worker->queue.PushOld(task);
  world->NoteQueued(worker);
}

void PoolWorld::Yield(Task* self) {
  if (self->is_thread) {
    std::this_thread::yield();
    return;
  }
  YieldFiber(self);
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

void PoolWorld::ReleaseAfterSwitch(void* p) {
  auto* task = static_cast<Task*>(p);
  auto* worker = static_cast<Worker*>(Here()->worker);
  EndFiber(task);
  // Release: whoever finds nobody alive sees all that the tasks did.
  worker->finished.store(worker->finished.load(std::memory_order_relaxed) + 1,
                         std::memory_order_release);
}

void PoolWorld::FinishFiber(Task* self) { SwitchForGood(self, NextOrRoot(), &ReleaseAfterSwitch); }

void PoolWorld::EnterBlocking(Task* self) {
  self->in_blocking_region.store(true, std::memory_order_relaxed);
  if (self->is_thread) return;
  // The fiber keeps its thread; another worker stands in for it. Stand-ins stay for the next time.
  const int blocked = blocked_.fetch_add(1, std::memory_order_acq_rel) + 1;
  // What stands in its queue, or is given back to it, must not wait for somebody to notice.
  auto* worker = static_cast<Worker*>(Here()->worker);
  worker->queue.SetClosed(true);
  while (Task* task = worker->queue.TakeOld()) PushShared(task);
  int have = surplus_wanted_.load(std::memory_order_acquire);
  while (have < blocked) {
    if (surplus_wanted_.compare_exchange_weak(have, have + 1, std::memory_order_acq_rel)) {
      StartWorker();
      return;
    }
  }
  if (asleep_.load(std::memory_order_seq_cst) > 0) WakeOne();
}

void PoolWorld::LeaveBlocking(Task* self) {
  self->in_blocking_region.store(false, std::memory_order_relaxed);
  if (self->is_thread) return;
  static_cast<Worker*>(Here()->worker)->queue.SetClosed(false);
  blocked_.fetch_sub(1, std::memory_order_acq_rel);
}

}  // namespace stranded::internal
