// The state of one timer, ticker or delayed function.
//
// Overview: arms a TimerEntry of the world it was made in, or of the default pool when that world
// is gone; the tick goes to a channel with room for one value, or starts a task. Thread safety:
// fields under "guarded" with `lock`. Lock order: lock, then the world's timer lock, then the
// channel's. Invariants: `active` is true from Arm() to the tick, Disarm() or the end of the
// world. The world may call Fire() late, after a Disarm() and another Arm(): Fire() then finds it
// inactive or armed again, and does nothing; Noticed() is called with the timer lock alone. `entry`
// is in the heap once at most. Ownership: shared
// by handles; an armed entry owns itself through `self`, one count per arming.
#ifndef STRANDED_RUNTIME_HOOKS_TIME_TIMER_CORE_H_
#define STRANDED_RUNTIME_HOOKS_TIME_TIMER_CORE_H_

#include <functional>
#include <memory>

#include "runtime_hooks/scheduler/world.h"
#include "stranded/task.h"
#include "stranded/time.h"

namespace stranded::internal {

struct TimerCore : std::enable_shared_from_this<TimerCore> {
  // --- set once
  Receiver<absl::Time> channel;
  std::function<void()> function;
  SpawnSpec spec;  // of the function's task, but for its world
  Context run_in;
  std::source_location site{};

  // --- guarded by lock
  SpinLock lock;
  World* world = nullptr;                  // may be gone while no arming is pending: see Rearm()
  std::atomic<std::uint64_t> world_id{0};  // relaxed: looked up before the lock is taken
  TimerEntry entry;                        // but for what DescribeEntry() sets once
  bool active = false;
  std::int64_t period_ns = 0;
  std::uint32_t pending_fires = 0;  // armings whose reference is not given back yet
  std::shared_ptr<TimerCore> self;  // while pending_fires > 0

  ~TimerCore();
  void DescribeEntry();      // once the fields above are set, before anybody else has the timer
  void UseWorld(World* in);  // with `lock`, or before anybody else has the timer
  // For the first time, in the world it was made in.
  void Arm(std::int64_t delay_ns);
  // True if it was active or a tick lay unreceived in the channel.
  bool Disarm();
  // Both in one step: of two tasks that reset it at once, one comes second. `period_ns` is 0 for
  // what ticks once.
  bool Rearm(std::int64_t delay_ns, std::int64_t period_ns);

 private:
  static void Fire(TimerEntry* entry);
  static void Drop(TimerEntry* entry);
  static bool Noticed(const TimerEntry& entry);
  void Tick(std::int64_t now_ns) ABSL_EXCLUSIVE_LOCKS_REQUIRED(lock);
  bool DisarmLocked() ABSL_EXCLUSIVE_LOCKS_REQUIRED(lock);
  void ArmLocked(std::int64_t due_ns, bool vain = false) ABSL_EXCLUSIVE_LOCKS_REQUIRED(lock);
  void DropArming() ABSL_EXCLUSIVE_LOCKS_REQUIRED(lock);
};

std::shared_ptr<TimerCore> NewTickTimer(const std::source_location& site);
std::shared_ptr<TimerCore> NewFuncTimer(std::function<void()> f, const std::source_location& site);

}  // namespace stranded::internal

#endif  // STRANDED_RUNTIME_HOOKS_TIME_TIMER_CORE_H_
