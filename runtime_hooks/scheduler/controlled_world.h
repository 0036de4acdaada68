// The controlled scheduler: one OS thread, a seed, a virtual clock.
//
// Overview: the thread that enters becomes the main task; all its tasks run on this thread. Each
// operation on a shared object is a point where another task may run first. The same seed gives the
// same run. Time moves only when nothing can run, or when tasks only poll in vain.
// Thread safety: Ready from any thread (foreign ones go through an inbox); all else by this thread.
// Invariants: `ready_` holds each runnable task once, in an order that depends on the run alone.
// When nothing is ready, no timer is due and nobody outside can act, the world is at a dead end:
// main is told by GlobalDeadlockError, or, if it waits in RunUntilQuiet, that the world is quiet.
// Ownership: tasks left at Leave() stay in memory with their stacks and are counted.
#ifndef STRANDED_RUNTIME_HOOKS_SCHEDULER_CONTROLLED_WORLD_H_
#define STRANDED_RUNTIME_HOOKS_SCHEDULER_CONTROLLED_WORLD_H_

#include <condition_variable>
#include <mutex>
#include <vector>

#include "runtime_hooks/scheduler/world.h"

namespace stranded::internal {

class ControlledWorld final : public World {
 public:
  ControlledWorld(std::string name, std::uint64_t seed);
  ~ControlledWorld() override;

  // The calling thread becomes main / stops being it. Tasks left over never run again.
  void Enter();
  void Leave();

  void Ready(Task* task) override;
  WakeReason Park(Task* self, void (*after)(void*), void* arg) override;
  void Yield(Task* self) override;
  void Point(Task* self, WaitKind, const void*, const std::source_location&) override;
  std::size_t Choose(std::size_t n) override;
  void FinishFiber(Task* self) override;
  std::int64_t NowNs() override { return coarse_ns(); }
  void AddTimer(TimerEntry* timer) override;
  bool RemoveTimer(TimerEntry* timer) override;
  void ForEachTimer(void (*f)(const TimerEntry&, void*), void* arg) override;
  WorldFacts Facts() override;
  void Fruitless(Task* self) override;
  void EnterBlocking(Task* self) override;
  void LeaveBlocking(Task* self) override;

  // Lets the other tasks run until none can, moving time by `grace_ns` at most. True if the world
  // is quiet then: nothing runnable and no timer pending.
  bool RunUntilQuiet(std::int64_t grace_ns);
  bool quiet() const { return quiet_; }
  Task* main_task() const { return main_.load(std::memory_order_relaxed); }

 private:
  std::uint64_t Next();
  Task* PickNext();
  void RunNext(Task* self, void (*after)(void*), void* arg);
  bool FireNextTimer(std::int64_t until_ns);
  bool TimersEmpty() const;
  bool WaitForOutside();
  bool OthersAtWork() const;
  void DeadEnd();

  const std::uint64_t seed_;
  std::uint64_t rng_[2];
  std::vector<Task*> ready_;
  std::atomic<Task*> main_{nullptr};
  World* main_before_ = nullptr;  // where the main task lived before Enter()
  bool main_was_main_ = false;
  mutable std::mutex timer_mutex_;       // foreign threads may cancel what has a deadline here
  TimerHeap timers_;                     // guarded by timer_mutex_
  std::atomic<std::uint64_t> steps_{0};  // relaxed: shown to other threads
  std::uint64_t fruitless_ = 0;          // vain polls since something last happened
  bool checking_ = false;
  std::atomic<bool> quiet_{false}, deadlock_{false};  // relaxed: shown to other threads
  std::vector<Task*> checkers_;                       // parked in RunUntilQuiet
  std::int64_t check_until_ns_ = 0;
  std::uint64_t check_steps_left_ = 0;
  int threads_at_start_ = 0;

  std::mutex inbox_mutex_;
  std::condition_variable inbox_wake_;
  std::vector<Task*> inbox_;  // guarded by inbox_mutex_
  std::atomic<bool> inbox_used_{false};
  unsigned long owner_thread_ = 0;
};

}  // namespace stranded::internal

#endif  // STRANDED_RUNTIME_HOOKS_SCHEDULER_CONTROLLED_WORLD_H_
