// Worker threads with run queues that steal from each other; also the world of adopted threads.
//
// Overview: each worker takes the newest task of its own queue, every 61st time (and when its own
// is empty) the oldest of the shared queue, then of another worker. Idle workers sleep on one
// condition; a Ready wakes one only if some are asleep.
// Thread safety: as World. Lock order: a worker's queue lock, then nothing; idle_mutex_ alone.
// Invariants: `pending_` counts queued tasks; a worker sleeps only if it saw 0 under idle_mutex_.
// Ownership: the world owns its threads. It is never destroyed: timers, contexts and functions
// registered with AfterFunc may outlive their pool and point to it.
#ifndef STRANDED_RUNTIME_HOOKS_SCHEDULER_POOL_WORLD_H_
#define STRANDED_RUNTIME_HOOKS_SCHEDULER_POOL_WORLD_H_

#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "runtime_hooks/scheduler/world.h"

namespace stranded::internal {

class PoolWorld final : public World {
 public:
  PoolWorld(std::string name, int workers);

  void Ready(Task* task) override;
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
  // Tasks spawned and not finished.
  std::int64_t live() const { return live_.load(std::memory_order_acquire); }
  bool UsesThreads() const override { return true; }
  void Spawned() override {
    live_.fetch_add(1, std::memory_order_relaxed);
    StartWorkers();
  }
  bool Stopped() const override { return stop_.load(std::memory_order_acquire); }
  // Ends the workers, and waits for them if `all_done`: no task is left that one of them may be
  // running. Timers that are pending go on.
  void Stop(bool all_done);

 private:
  struct Worker {
    SpinLock lock;
    std::deque<Task*> queue ABSL_GUARDED_BY(lock);
    Task root;  // the thread's own stack
    int index = 0;
    std::atomic<std::uint32_t> picks{0};  // written by this worker; relaxed: compared for change
    bool surplus = false;
  };
  void StartWorker(bool surplus);
  void StartWorkers();
  void Run(Worker* worker);
  Task* Pick(Worker* worker);
  Task* Steal(Worker* thief);
  Task* PopShared();
  void Push(Task* task);
  bool Sleep(Worker* worker);
  void RunTimers();
  static void Requeue(void* task);
  void SleepThread(Task* self);
  bool AwaitQuiet(std::int64_t until, bool (*done)(const void*), const void* arg);
  bool DeadEnd();
  bool OtherPoolsQuiet();
  std::int64_t NextDue();
  std::uint64_t Activity() const;
  std::uint32_t Timers(std::uint64_t* armings);
  bool HasTimers();

  std::atomic<std::int64_t> live_{0};
  std::atomic<std::int64_t> pending_{0};  // queued tasks
  std::atomic<int> active_{0};            // workers that may be running a task
  std::atomic<int> asleep_{0};
  std::atomic<int> surplus_wanted_{0};       // threads that stand in for blocked ones
  std::atomic<int> blocked_{0};              // tasks inside a BlockingRegion
  std::atomic<std::uint64_t> dead_main_{0};  // the main task that has come to a dead end; relaxed
  std::atomic<int> checking_fibers_{0};      // those among them that wait for quiet
  std::atomic<std::uint64_t> thread_wakes_{0};
  std::atomic<bool> stop_{false};

  SpinLock shared_lock_;
  std::deque<Task*> shared_ ABSL_GUARDED_BY(shared_lock_);

  std::mutex idle_mutex_;
  std::condition_variable work_, idle_;

  std::mutex workers_mutex_;
  std::vector<std::unique_ptr<Worker>> workers_;
  std::vector<std::thread> threads_;
  std::atomic<Worker*> by_index_[512] = {};
  std::atomic<int> worker_count_{0};
  int wanted_workers_;
  std::once_flag started_;

  std::mutex timer_mutex_;
  std::condition_variable timer_wake_;
  TimerHeap timers_;
  bool firing_ = false;  // one is out of the heap, and what it wakes is not ready yet
  bool timer_thread_runs_ = false;
  PoolWorld* next_retired_ = nullptr;
};

// The pool that Go() uses outside of any other world; started on first use.
PoolWorld* DefaultPool();

}  // namespace stranded::internal

#endif  // STRANDED_RUNTIME_HOOKS_SCHEDULER_POOL_WORLD_H_
