// Worker threads with run queues that steal from each other; also the world of adopted threads.
//
// Overview: each worker takes the newest task of its own queue; now and then one of the shared
// queue (what threads outside the pool made ready) or its own oldest. A task that blocks goes
// straight to the next one; the worker's own stack is only visited when there is none. An idle
// worker looks for a while for surplus of the others, then sleeps (pool_workers.cc); what it took
// is given back where the two get no more done than one (pool_thefts.cc).
// Thread safety: as World. Lock order: a queue's lock, then nothing; idle_mutex_, then nothing.
// Invariants: only its owner adds to a worker's queue, but for a thief that gives back; it is empty
// when the owner goes to sleep. A worker that goes to sleep counts itself in `asleep_` before it
// looks for work the last time; whoever makes a task ready, or gives it back, looks at `asleep_`
// after it is queued (see OwnerLock for the barriers). While a worker runs and others sleep, one of
// these, the sentinel, wakes up now and then to see whether tasks are stuck behind one that runs
// long. Ownership: the world owns its threads. It is never destroyed: timers, contexts and
// functions registered with AfterFunc may outlive their pool and point to it.
#ifndef STRANDED_RUNTIME_HOOKS_SCHEDULER_POOL_WORLD_H_
#define STRANDED_RUNTIME_HOOKS_SCHEDULER_POOL_WORLD_H_

#include <chrono>
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "runtime_hooks/scheduler/fiber_switch.h"
#include "runtime_hooks/scheduler/run_queue.h"
#include "runtime_hooks/scheduler/world.h"

namespace stranded::internal {

// A spin lock by the names that std::unique_lock and conditions use.
class TimerLock {
 public:
  void lock() ABSL_NO_THREAD_SAFETY_ANALYSIS { lock_.Lock(); }
  void unlock() ABSL_NO_THREAD_SAFETY_ANALYSIS { lock_.Unlock(); }

 private:
  SpinLock lock_;
};

class PoolWorld final : public World {
 public:
  PoolWorld(std::string name, int workers);

  void Ready(Task* task) override;
  // The same for a fiber of this pool.
  void ReadyFiber(Task* task) {
    Worker* worker = MyWorker();
    if (worker == nullptr || task->pinned) [[unlikely]] {
      PushElsewhere(worker, task);
      return;
    }
    worker->queue.PushNew(task);
    NoteQueued(worker);
  }
  // Park for a fiber that the calling thread, one of a pool's workers, runs.
  __attribute__((always_inline)) static WakeReason ParkFiber(Task* self, AfterSwitch after,
                                                             void* arg) {
    SwitchTo(self, NextOrRoot(), true, after, arg);
    const std::uint32_t state = self->state.load(std::memory_order_acquire);
    self->state.store(Task::kRunning, std::memory_order_relaxed);
    return static_cast<WakeReason>(state >> Task::kReasonShift);
  }
  // Yield likewise.
  __attribute__((always_inline)) static void YieldFiber(Task* self) {
    auto* worker = static_cast<Worker*>(Here()->worker);
    Task* next = worker->world->Next(worker, kStays);
    if (next == nullptr) return;  // nobody else is ready here
    GiveWay(self, next, &YieldAfterSwitch);
  }
  // Runs `next`; `queue` puts `self` where it waits for its turn.
  __attribute__((always_inline)) static void GiveWay(Task* self, Task* next, AfterSwitch queue) {
    const int saved_errno = *Here()->errno_place;
    self->state.store(Task::kRunnable, std::memory_order_relaxed);
    SwitchTo(self, next, false, queue, self);
    self->state.store(Task::kRunning, std::memory_order_relaxed);
    *Here()->errno_place = saved_errno;
  }
  // Drops the only handle of a task that was spawned a moment ago, as most handles are. False if
  // it may have been started or fetched.
  static bool DropFreshHandle(Task* task) {
    auto* worker = static_cast<Worker*>(Here()->worker);
    if (worker == nullptr || worker->world != task->world) return false;
    // Relaxed: who takes the task out of the queue sees it.
    return worker->queue.TryIfNewest(task, [&] { task->end.store(0, std::memory_order_relaxed); });
  }
  WakeReason Park(Task* self, void (*after)(void*), void* arg) override;
  void Yield(Task* self) override;
  std::size_t Choose(std::size_t n) override;
  void FinishFiber(Task* self) override;
  std::int64_t NowNs() override;
  void AddTimer(TimerEntry* timer) override;
  bool RemoveTimer(TimerEntry* timer) override;
  void ForEachTimer(void (*f)(const TimerEntry&, void*), void* arg) override;
  WorldFacts Facts() override;
  void EnterBlocking(Task* self) override;
  void LeaveBlocking(Task* self) override;

  // Waits until no task is queued or running, at most until `deadline`. False on timeout.
  bool WaitIdle(std::int64_t deadline_ns);
  // Waits until nothing can move without help from outside, `done(arg)` holds, or the grace is
  // over. True if it is quiet.
  bool WaitUntilQuiet(std::int64_t grace_ns, bool (*done)(const void*), const void* arg);
  // Tasks spawned and not finished; never too few.
  std::int64_t live() const;
  void Start(Task* task, Task* spawner) override;
  bool Stopped() const override { return stop_.load(std::memory_order_acquire); }
  // Cheap parts of Facts(), from any thread, each right as far as nothing moves meanwhile: a task
  // is ready or runs, or a worker looks for one; how many tasks are in a BlockingRegion; how many
  // timers there are, 0 if none moves anything; when the next is due (INT64_MAX: there is none,
  // INT64_MIN: one goes off); what has moved so far.
  bool AtWork();
  int InRegions() const;
  std::uint32_t Timers();
  std::int64_t NextDue();
  std::uint64_t Moves();
  // Ends the workers, and waits for them if `all_done`: no task is left that one of them may be
  // running. Timers that are pending go on.
  void Stop(bool all_done);

 private:
  static constexpr int kMaxWorkers = 512;
  // After so many vain thefts only the sentinel looks for surplus.
  static constexpr int kChatty = 4;
  // What was first seen of another worker since its queue was empty.
  struct Glimpse {
    std::size_t ready = 0;
    std::uint32_t drained = 0, picks = 0;
    std::uint64_t done = 0;
    std::chrono::steady_clock::time_point at{};
    std::uint32_t last_picks = 0;  // and since when they have been the same
    std::chrono::steady_clock::time_point moved_at{};
  };
  struct Watched {
    std::size_t ready = 0;
    std::uint32_t picks = 0;
  };
  struct Worker;
  // Of a worker's last theft; its own. See pool_thefts.cc.
  struct Trial {
    enum Stage : std::uint8_t { kNone, kSettles, kRuns, kPassed } stage = kNone;
    std::uint8_t unknown = 0;  // trials in a row that had nothing to compare with
    std::uint32_t victim_picks = 0;
    Worker* victim = nullptr;
    double alone = 0;                    // what the victim got done in a microsecond before it
    std::uint64_t own = 0, victims = 0;  // what both had done when the stage began
    std::int64_t to_finish = 0;          // the thief's count when half of the loot has finished
    std::chrono::steady_clock::time_point since{};
  };
  struct Worker {
    static constexpr std::uint32_t kMostWakesSkipped = 65536;
    RunQueue queue;
    PoolWorld* world = nullptr;
    Task root;  // the thread's own stack
    int index = 0;
    // Written by this worker only; relaxed: others compare for change, or add up.
    std::atomic<std::uint32_t> picks{0};
    std::atomic<std::uint32_t> drained{0};  // how often it took the last one of its queue
    std::atomic<std::int64_t> spawned{0};
    std::atomic<std::int64_t> finished{0};
    std::atomic<std::uint64_t> ops{0};  // operations of its tasks, as of the last pick
    // The last pick that was the oldest task's turn, when the next one is due, and how many were
    // ready then. This worker only.
    std::uint32_t last_fair = 0, fair_every = 61;
    std::size_t ready_at_fair = 0;
    bool inbox_first = false;
    // The task that spawned last on this worker, and how many since another one did.
    std::uint64_t spawner = 0;
    std::uint32_t spawned_in_a_row = 0;
    // Wake-ups of others for what it queued that it leaves out, and how many the next time. A thief
    // that finds something sets both back. Relaxed: a hint.
    std::atomic<std::uint32_t> wakes_to_skip{0}, wakes_skipped_next{0};
    std::atomic<bool> robbed{false};  // since its own last theft; relaxed: a hint

    // As a thief; this worker only.
    std::vector<Glimpse> seen;  // by index
    Trial trial;
    // By index, 10 ms ago or more. Made with the worker: a lock may be held when it is looked at.
    std::vector<Watched> watched{kMaxWorkers};
    std::int64_t watched_ns = 0;
    bool due = false;  // it should fetch tasks, whatever came of that before

    SpinLock inbox_lock;  // pinned tasks
    std::deque<Task*> inbox ABSL_GUARDED_BY(inbox_lock);
    std::atomic<std::size_t> inbox_size{0};
  };
  // Workers' threads: pool_workers.cc.
  void StartWorker();
  int CalledWorkers();
  bool NothingBefore(std::int64_t until, const WorldFacts& seen);
  void StartWorkers();
  void Run(Worker* worker);
  Task* Search(Worker* worker);
  Task* StealFrom(Worker* victim, Worker* thief);
  static bool Lasts(const Worker& victim, int patience, Glimpse& first,
                    std::chrono::steady_clock::time_point now);
  static std::uint64_t Done(const Worker& worker);
  static void BeginTrial(Worker* thief, Worker* victim, const Glimpse& alone,
                         std::chrono::steady_clock::time_point now);
  // Neither: what they do has little to do with each other. Unknown: nothing to compare with. Open:
  // the trial goes on.
  enum class Verdict : std::uint8_t { kOpen, kPays, kVain, kNeither, kUnknown };
  static Verdict Judge(const Trial& trial, const Worker& thief,
                       std::chrono::steady_clock::duration time);
  void EndTrial(Worker* thief);
  void NoteVain(Worker* victim);
  bool GivesBack(Worker* thief);
  Verdict NextVerdict(Worker* thief, std::chrono::steady_clock::time_point now);
  void FetchStuck(Worker* worker);
  void GiveBack(Worker* thief, Worker* victim);
  void WakeAllSleepers();
  bool SeesSurplus(const Worker& sentinel, std::vector<Glimpse>& seen,
                   std::chrono::steady_clock::time_point asleep_since);
  bool Sleep(Worker* worker);
  bool SleepAsSentinel(Worker* worker, std::unique_lock<std::mutex>& lock);
  bool HasWork(Worker* worker);
  void WakeOne();
  void WakeForOwn(Worker* worker);
  // After each addition to a worker's queue by that worker.
  bool SomebodySleeps() const {
    LightBarrier();
    return asleep_.load(std::memory_order_relaxed) > 0;
  }
  void NoteQueued(Worker* worker) {
    if (SomebodySleeps()) [[unlikely]]
      WakeForOwn(worker);
  }
  // The calling thread's, if it is one of this pool.
  Worker* MyWorker() const {
    auto* worker = static_cast<Worker*>(Here()->worker);
    return worker != nullptr && worker->world == this ? worker : nullptr;
  }

  void StartElsewhere(Worker* worker, Task* task);
  void StartSlowly(Worker* worker, Task* task, Task* spawner);
  void WakeForStarted(Worker* worker, Task* spawner);
  void CountSpawn(Worker* worker, Task* spawner);
  void GiveWayToSpawned(Worker* worker, Task* self);
  // Whether the worker goes to look for work when there is none here: only then may it give away
  // what it has.
  enum Then : bool { kStays, kLeaves };
  Task* Next(Worker* worker, Then then);
  Task* NextInTurn(Worker* worker, Then then);
  Task* NextReady(Worker* worker);
  static void CountDrained(Worker* worker);
  Task* FairNext(Worker* worker);
  Task* OutsideNext(Worker* worker);
  Task* PopShared();
  Task* PopInbox(Worker* worker);
  static Task* NextOrRoot();
  void PushElsewhere(Worker* worker, Task* task);
  void PushShared(Task* task);
  void PushInbox(Worker* worker, Task* task);
  std::size_t ReadyTasks() const;
  void RunTimers();
  void SleepTimers(std::unique_lock<TimerLock>& lock, std::int64_t due, std::int64_t now);
  void MakeRoomForTimer(std::unique_lock<TimerLock>& lock);
  static void YieldAfterSwitch(void* task);
  static void ReleaseAfterSwitch(void* task);
  void SleepThread(Task* self);
  bool AwaitQuiet(std::int64_t until, bool (*done)(const void*), const void* arg);
  bool DeadEnd(std::uint64_t* moves);
  struct PoolsLook {
    bool quiet = true;  // nothing will ever move there by itself
    bool still = true;  // or not in time
    std::uint64_t moves = 0;
  };
  PoolsLook LookAtOthers(std::int64_t until);
  PoolsLook OtherPools(std::int64_t until);
  bool StayedQuiet(const WorldFacts& seen);
  std::uint64_t Activity() const;
  std::uint32_t Timers(std::uint64_t* armings);
  bool HasTimers();

  std::atomic<std::int64_t> spawned_elsewhere_{0};  // by other threads, or pinned
  std::atomic<std::int64_t> finished_before_{0};    // when the workers are gone
  std::atomic<int> active_{0};                      // workers that may be running a task
  std::atomic<int> surplus_wanted_{0};              // threads that stand in for blocked ones
  std::atomic<int> blocked_{0};                     // tasks inside a BlockingRegion
  std::atomic<int> checking_fibers_{0};             // those among them that wait for quiet
  std::atomic<std::uint64_t> dead_main_{0};  // the main task that has come to a dead end; relaxed
  std::atomic<std::uint64_t> thread_wakes_{0};
  std::atomic<bool> stop_{false};

  SpinLock shared_lock_;
  std::deque<Task*> shared_ ABSL_GUARDED_BY(shared_lock_);
  std::atomic<std::size_t> shared_size_{0};

  std::mutex idle_mutex_;
  std::condition_variable work_, sentinel_work_, idle_;
  std::atomic<std::uint64_t> given_back_{0};  // tasks; relaxed, for tests
  std::atomic<int> vain_thefts_{0};           // in a row, by all; relaxed: a guess about the tasks
  std::atomic<int> asleep_{0};                // written under idle_mutex_
  std::atomic<int> searching_{0};             // awake and looking for work, or just woken to
  int tokens_ = 0;             // sleepers told to wake up that have not yet; under idle_mutex_
  bool has_sentinel_ = false;  // under idle_mutex_

  std::mutex workers_mutex_;
  std::vector<std::unique_ptr<Worker>> workers_;
  std::vector<std::thread> threads_;
  std::atomic<Worker*> by_index_[kMaxWorkers] = {};
  std::atomic<int> worker_count_{0};
  int wanted_workers_;
  std::once_flag started_;

  TimerLock timer_mutex_;
  std::condition_variable_any timer_wake_;
  TimerHeap timers_;
  std::int64_t timer_sleep_until_ = INT64_MAX;  // when the timer thread wakes up by itself
  bool firing_ = false;  // one is out of the heap, and what it wakes is not ready yet
  bool timer_thread_runs_ = false;
  PoolWorld* next_retired_ = nullptr;
};

// The pool that Go() uses outside of any other world; started on first use.
PoolWorld* DefaultPool();

}  // namespace stranded::internal

#endif  // STRANDED_RUNTIME_HOOKS_SCHEDULER_POOL_WORLD_H_
