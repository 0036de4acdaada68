// The controlled scheduler: one OS thread, a policy, a virtual clock.
//
// Overview: the thread that enters becomes the main task; all its tasks run on this thread. Each
// operation on a shared object is a point where the policy may run another task first. The same
// policy and seed give the same run. Time moves when nothing can run, when tasks only poll in vain
// or have gone on for long, and, within the delay budget, when the policy says so. A task that is
// to enter a blocking region keeps the thread there, so it first lets the others come as far as
// they can. Thread safety: from any thread Ready (foreign ones go through an inbox), Adopt, the
// timers, Facts, Stopped(), adopted(), steps() and owner_tid(); all else by this thread. Who may
// meet the world as it goes holds it with PinWorld(). Invariants: `ready_` holds each runnable task
// once, in an order that depends on the run alone. When nothing is ready, no timer would wake
// anybody and nobody outside can act, virtual patches get their turn (relief.h); if they change
// nothing the world is at a dead end: main is told by GlobalDeadlockError, or, if it waits in
// RunUntilQuiet, that the world is quiet. Ownership: borrows its policy unless it was made from a
// seed. Tasks left at Leave() are unwound (settings.reclaim) or stay in memory with their stacks
// and are counted.
#ifndef STRANDED_RUNTIME_HOOKS_SCHEDULER_CONTROLLED_WORLD_H_
#define STRANDED_RUNTIME_HOOKS_SCHEDULER_CONTROLLED_WORLD_H_

#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "runtime_hooks/scheduler/policy.h"
#include "runtime_hooks/scheduler/world.h"

namespace stranded::internal {

// The threads that were among others each time one looked.
class SeenAtEachLook {
 public:
  void Look(const std::vector<int>& threads);
  const std::vector<int>& threads() const { return threads_; }

 private:
  bool first_ = true;
  std::vector<int> threads_;
};

class ControlledWorld final : public World {
 public:
  // A random walk from `seed`.
  ControlledWorld(std::string name, std::uint64_t seed);
  ControlledWorld(std::string name, const ScheduleSettings& settings, Policy* policy,
                  std::uint64_t seed);
  ~ControlledWorld() override;

  // The calling thread becomes main / stops being it. Tasks left over never run again.
  void Enter();
  void Leave();
  void DropTimers();

  void Ready(Task* task) override;
  void Adopt(Task* task) override;
  WakeReason Park(Task* self, void (*after)(void*), void* arg) override;
  void Yield(Task* self) override;
  void Point(Task*, WaitKind, const void*, const std::source_location&) override;
  void Look(Task* self, const void* object) override;
  bool SkipPoint(Task*, WaitKind, const void*, const std::source_location&) override;
  std::size_t Choose(std::size_t n) override;
  void FinishFiber(Task* self) override;
  bool Stopped() const override { return left_.load(std::memory_order_acquire); }
  // So many tasks have come; foreign threads may start some, too.
  std::uint32_t adopted() const { return next_ordinal_.load(std::memory_order_acquire); }
  // All of them but the one that entered. A walk over all tasks of the process is long.
  bool AllFinished() const { return adopted() == finished_ + 1; }
  bool Survives(Task* self, const std::exception_ptr& error) override;
  std::int64_t NowNs() override { return coarse_ns(); }
  void AddTimer(TimerEntry* timer) override;
  bool RemoveTimer(TimerEntry* timer) override;
  void ForEachTimer(void (*f)(const TimerEntry&, void*), void* arg) override;
  WorldFacts Facts() override;
  void Fruitless(Task* self) override;
  void EnterBlocking(Task* self) override;
  void LeaveBlocking(Task* self) override;

  // Lets the other tasks run until none can, moving time by `grace_ns` at most. True if the world
  // is quiet then: nothing runnable and no timer pending that would move anything.
  bool RunUntilQuiet(std::int64_t grace_ns);
  bool quiet() const { return quiet_; }
  bool NothingAhead() const;  // no timer is pending that would move anything
  Task* main_task() const { return main_.load(std::memory_order_relaxed); }
  // Main waits for the world to become quiet, or has met its dead end: its function is over.
  bool main_is_done() const { return checking_ || deadlock_; }

  // Unwinds every task that is left. Called by main, once the world is quiet. Returns how many
  // could not be.
  std::size_t Reclaim();
  // For a task that cannot be unwound: it stays parked for ever.
  [[noreturn]] void ParkForGood(Task* self);
  std::uint64_t steps() const { return steps_.load(std::memory_order_relaxed); }
  int owner_tid() const { return owner_tid_.load(std::memory_order_relaxed); }
  const ScheduleSettings& settings() const { return settings_; }
  const ScheduleRecord& record() const { return record_; }
  const std::vector<Deviation>& deviations() const { return deviations_; }

 private:
  struct Moment {
    Task* self;
    bool can_stay = false, yields = false;
  };
  Task* PickNext(Moment moment);
  bool EndIsDue() const;
  Task* TakeAtItsEnd();
  Task* TakeReady(std::size_t i);
  std::size_t Decide(const Moment& moment);
  bool FairTurn() const;
  Task* EndCheck();
  void RunNext(Moment moment, void (*after)(void*), void* arg);
  bool FireNextTimer(std::int64_t until_ns);
  std::int64_t NextDue() const;
  bool NothingAheadLocked() const;  // with timer_mutex_
  bool TimeHelps() const;
  bool MayPassTime() const;
  bool MaySkip();
  bool TakeTime();
  bool TimePasses();
  bool RegionIsDue() const;
  bool EnterRegion();
  bool DaemonsLoopAlone();
  bool OnlyDaemonsLeft() const;
  void DrainInbox();
  bool WaitForOutside();
  bool WaitForOthers();
  bool NobodyIsLeft() const;
  bool PoolsMayAct(std::chrono::nanoseconds within) const;
  bool IsNew(int thread) const;
  int ThreadsSince() const;
  std::vector<int> ThreadsAtWork() const;
  std::vector<int> OlderAtWork() const;
  static void LeaveAlone(const std::vector<int>& threads);
  bool OthersAtWork() const;
  int OthersToComeBack() const;
  void DeadEnd();
  Task* CutOff();
  void NoteStep(const Task* task, WaitKind kind, const std::source_location& site,
                ScheduleStep::What what);

  const ScheduleSettings settings_;
  const std::uint64_t seed_;
  std::unique_ptr<Policy> own_policy_;
  Policy* policy_;                 // borrowed from the explorer, or own_policy_; null after Leave()
  const std::string policy_name_;  // a world whose tasks stay is told of when its policy is gone
  std::vector<Task*> ready_;
  std::uint64_t next_queue_seq_ = 0;
  // Of tasks; foreign threads start some, too. Release and acquire: who takes the world down sees
  // those that came meanwhile (adopted()).
  std::atomic<std::uint32_t> next_ordinal_{0};
  std::uint32_t finished_ = 0;     // of these
  std::atomic<bool> left_{false};  // release in Leave(), acquire in Stopped()
  std::atomic<Task*> main_{nullptr};
  World* main_before_ = nullptr;  // where the main task lived before Enter()
  Task main_state_before_;        // its ordinal and decisions there
  bool main_was_main_ = false, main_is_fiber_ = false, main_was_in_region_ = false;
  // Not ours, and alive when nothing could run any more. Relaxed: as quiet_.
  std::atomic<int> outside_threads_{0};
  std::uint32_t main_ordinal_before_ = 0, main_decisions_before_ = 0;
  mutable std::mutex timer_mutex_;       // foreign threads may cancel what has a deadline here
  TimerHeap timers_;                     // guarded by timer_mutex_
  std::atomic<std::uint64_t> steps_{0};  // relaxed: shown to other threads
  std::uint64_t fruitless_ = 0;          // vain polls since something last happened
  // How long daemons may go from region to region; none while others are picked.
  std::optional<std::chrono::steady_clock::time_point> daemons_alone_until_;
  std::chrono::nanoseconds patience_;  // before time passes; see WaitForOthers()
  std::uint64_t turn_ = 0;             // points of the running task since it was switched to
  std::uint64_t skipped_ = 0;          // points in a row at which nobody else may run
  bool point_yields_ = false;          // the running task polled in vain at its last operation
  bool preempted_ = false;             // the last switch left a task that could have gone on
  bool checking_ = false, reclaiming_ = false;
  std::atomic<bool> quiet_{false}, deadlock_{false};  // relaxed: shown to other threads
  std::vector<Task*> checkers_;                       // parked in RunUntilQuiet
  std::int64_t check_until_ns_ = 0;
  std::uint64_t check_steps_left_ = 0;
  std::vector<Task*> awaiting_end_;     // of their context, by a virtual patch; see relief.h
  std::vector<Task*> regions_waiting_;  // parked before a blocking region
  std::uint64_t region_step_ = 0;       // when one of them last came, or went in
  std::vector<int> threads_at_start_;   // of others, by the kernel's number; sorted
  std::uint64_t tasks_since_ = 0;       // the first id that may be of a task spawned in this world
  std::uint64_t steps_at_timer_ = 0;    // when the last timer fired
  std::vector<Deviation> deviations_;
  ScheduleRecord record_;

  std::mutex inbox_mutex_;
  std::condition_variable inbox_wake_;
  std::vector<Task*> inbox_;  // guarded by inbox_mutex_
  std::atomic<bool> inbox_used_{false};
  unsigned long owner_thread_ = 0;
  std::atomic<int> owner_tid_{0};  // the same for the kernel; 0: nobody is in. Relaxed
};

// The controlled world of the calling task, or null.
ControlledWorld* CurrentControlledWorld();

}  // namespace stranded::internal

#endif  // STRANDED_RUNTIME_HOOKS_SCHEDULER_CONTROLLED_WORLD_H_
