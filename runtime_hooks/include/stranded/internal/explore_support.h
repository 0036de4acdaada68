// What the explorer needs from the runtime: worlds with a chosen policy, and what they did.
//
// Overview: a SchedulePolicy is made once and used for many schedules, one world each. A world
// notes every decision that differs from the default schedule, so that it can be replayed.
// Thread safety: all functions by the thread that runs the worlds; SetStallHook by any.
// Ownership: NewSchedulePolicy's result is the caller's; a world only borrows it.
#ifndef STRANDED_RUNTIME_HOOKS_INTERNAL_EXPLORE_SUPPORT_H_
#define STRANDED_RUNTIME_HOOKS_INTERNAL_EXPLORE_SUPPORT_H_

#include <cstdint>
#include <memory>
#include <source_location>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "stranded/internal/wait_kind.h"

namespace stranded::internal {

class Policy;
class ControlledWorld;

struct ScheduleSettings {
  std::string policy = "random";     // random, pct, round-robin, exhaustive, replay
  std::string replay;                // policy replay: the schedule
  int depth = 3;                     // pct: depth of the bugs looked for
  int preemptions = 2;               // exhaustive: at most this many
  std::int64_t delay_budget_ns = 0;  // how far time may move in all while tasks are ready
  bool keep_steps = false;           // note each operation
  bool reclaim = true;               // unwind the tasks that are left, when the world ends
  bool survive_exceptions = true;    // an exception that leaves a task is noted, not fatal
  std::uint64_t max_steps = 100000;  // a run that is longer is cut
};

struct PolicyDeleter {
  void operator()(Policy* policy) const;
};
using SchedulePolicy = std::unique_ptr<Policy, PolicyDeleter>;

absl::StatusOr<SchedulePolicy> NewSchedulePolicy(const ScheduleSettings& settings);
// False when the policy has nothing left to try.
bool BeginSchedule(const SchedulePolicy& policy, std::uint64_t seed);
std::string CoverageOf(const SchedulePolicy& policy);

// Before an exploration. The worlds of one take over from each other what threads there are as long
// as their number is the same; before it, one may have ended and another begun.
void ForgetForeignThreads();

// As EnterControlledWorld in check_support.h; left by LeaveControlledWorld.
ControlledWorld* EnterExploredWorld(const std::string& name, const ScheduleSettings& settings,
                                    const SchedulePolicy& policy, std::uint64_t seed);

// Whether events are recorded from now on (record=trace is one way to say so). Returns what was.
bool TraceEvents(bool on);

// One operation, in the order they ran.
struct ScheduleStep {
  std::uint64_t task = 0;
  std::uint32_t number = 0;  // of the task in the text of a schedule
  std::string task_name;
  WaitKind kind = WaitKind::kNone;
  std::source_location site{};
  enum What : std::uint8_t { kOperation, kBlocks, kEnds, kTimerFires } what = kOperation;
  bool preempts = false;  // the task before it could have gone on
};

struct ScheduleRecord {
  std::string schedule;  // replays it
  std::uint64_t steps = 0, preemptions = 0, deviations = 0;
  std::int64_t delay_ns = 0;  // time that passed while tasks were ready
  bool cut = false;           // max_steps was reached
  bool deadlock = false;
  std::vector<std::string> exceptions;  // that left tasks
  std::vector<ScheduleStep> history;    // with keep_steps
};
ScheduleRecord RecordOf(ControlledWorld* world);
// A number for how the world ended: who waits where, for what. Equal for equal ends, whatever the
// ids. Cheap: no snapshot. Call it when the world is quiet, or at its dead end.
std::uint64_t EndOf(ControlledWorld* world);
// The same of the tasks in pools that were spawned in the calling task's scope; 0 if there are
// none. Waits for them as TasksInPools() does.
std::uint64_t EndInPools(absl::Duration grace);

// Replaces the virtual patches in force; empty: none. See scheduler/patches.h for the text.
absl::Status SetPatches(std::string_view text);
bool AnyPatches();
// What is in force now, to be put back when other ones have had their time; null: nothing.
struct PatchesInForce;
const PatchesInForce* KeepPatches();
void PutBackPatches(const PatchesInForce* patches);
// Those that have met nothing since: no channel was made at the place of a `capacity`, and when
// nothing could run any more, nothing was stuck at the places of the others.
std::vector<std::string> IdlePatches();
// Those that closed a channel which the program then closed itself, and where it did so last.
struct SecondClose {
  std::string patch, file;
  std::uint32_t line = 0;
};
std::vector<SecondClose> SecondCloses();

// Called again and again while a controlled world stands still that the watch for stalls has told
// of (see stall_s in options.h): for how long it has stood, and how long ago that was told. By the
// watch's thread, which knows no more than that the world did nothing a moment ago.
using StallHook = void (*)(std::uint64_t world, int seconds, int seconds_since_told);
void SetStallHook(StallHook hook);

// Thrown through a task that is unwound because its world ends, or because a virtual patch lets it
// give up. Not a std::exception: only catch (...) sees it.
struct TaskUnwound {};

}  // namespace stranded::internal

#endif  // STRANDED_RUNTIME_HOOKS_INTERNAL_EXPLORE_SUPPORT_H_
