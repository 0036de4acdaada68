// Who decides in a controlled world: one interface, one policy a file in policies/.
//
// Overview: the world asks at every point where more than one thing can happen next. A policy that
// is used for many schedules keeps what it has learnt between them.
// Thread safety: used by the one thread of its world.
// Invariants: with equal settings and an equal program the same decisions are taken again. A policy
// must not starve: of two tasks that both stay ready, each runs again after a bounded number of
// points at which the other one asked to yield.
// Ownership: the explorer or the world owns it.
#ifndef STRANDED_RUNTIME_HOOKS_SCHEDULER_POLICY_H_
#define STRANDED_RUNTIME_HOOKS_SCHEDULER_POLICY_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "runtime_hooks/scheduler/schedule.h"
#include "runtime_hooks/scheduler/task.h"
#include "stranded/internal/explore_support.h"

namespace stranded::internal {

// Small, fast, the same everywhere (xoroshiro128+).
class Random {
 public:
  explicit Random(std::uint64_t seed);
  std::uint64_t Next();
  // In [0, n); n > 0.
  std::size_t Below(std::size_t n) { return static_cast<std::size_t>((Next() >> 16) % n); }

 private:
  std::uint64_t state_[2];
};

// A decision about who runs. `ready` holds each task that can run, also `self` if it can go on.
struct TaskChoice {
  const std::vector<Task*>& ready;
  const Task* self = nullptr;  // at whose point this is
  bool can_stay = false;       // self is in `ready`
  bool yields = false;         // self asked the others to go first
  bool may_pass_time = false;  // a timer may fire before anybody runs
};

// Instead of an index: let the next timer fire.
inline constexpr std::size_t kPassTime = static_cast<std::size_t>(-1);

// The index that the default schedule takes.
std::size_t DefaultTask(const TaskChoice& choice);
// Of the task that has been ready longest.
std::size_t OldestOf(const TaskChoice& choice);

class Policy {
 public:
  virtual ~Policy() = default;
  virtual const char* name() const = 0;
  // Before each schedule. False when there is nothing left to try.
  virtual bool Begin(std::uint64_t seed) = 0;
  virtual std::size_t PickTask(const TaskChoice& choice) = 0;
  virtual std::size_t PickNumber(const Task* self, std::size_t n) = 0;
  // `self` is about to operate on `object` (null: something everybody may depend on).
  virtual void Operation(const Task* /*self*/, WaitKind /*kind*/, const void* /*object*/) {}
  // A timer fires; `delay_ns` is what has passed so far while tasks were ready.
  virtual void TimePasses(std::int64_t /*now_ns*/, std::int64_t /*delay_ns*/) {}
  // What it can say about how much of the program's behaviour it has seen; empty: nothing.
  virtual std::string Coverage() const { return ""; }
};

std::unique_ptr<Policy> NewRandomWalk(const ScheduleSettings& settings);
std::unique_ptr<Policy> NewPct(const ScheduleSettings& settings);
std::unique_ptr<Policy> NewRoundRobin(const ScheduleSettings& settings);
std::unique_ptr<Policy> NewExhaustive(const ScheduleSettings& settings);
std::unique_ptr<Policy> NewReplay(const std::vector<Deviation>& schedule);

}  // namespace stranded::internal

#endif  // STRANDED_RUNTIME_HOOKS_SCHEDULER_POLICY_H_
