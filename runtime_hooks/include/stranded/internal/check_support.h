// What leak checks need from the runtime: worlds for tests, scopes, and waiting for quiet.
//
// Overview: a test enters a controlled world or, on real threads, only begins a scope. At its end
// it waits until nothing moves any more and then asks whether anything is left. Thread safety: a
// scope is begun and ended by the same task; the rest from any task. Invariants: WaitUntilQuiet
// never waits longer than the grace; virtual time costs nothing. Ownership: Begin/Enter give a
// handle that End/Leave takes back.
#ifndef STRANDED_RUNTIME_HOOKS_INTERNAL_CHECK_SUPPORT_H_
#define STRANDED_RUNTIME_HOOKS_INTERNAL_CHECK_SUPPORT_H_

#include <cstddef>
#include <cstdint>
#include <source_location>
#include <string>
#include <string_view>

#include "absl/time/time.h"

namespace stranded::internal {

struct ScopeNode;
class ControlledWorld;

// The calling thread becomes the main task of a controlled world, and stops being it. Tasks that
// are left then never run again; they stay in memory. Leave returns how many were left.
ControlledWorld* EnterControlledWorld(const std::string& name, std::uint64_t seed);
std::size_t LeaveControlledWorld(ControlledWorld* world);
std::uint64_t WorldIdOf(const ControlledWorld* world);
// The world came to a dead end since it was entered.
bool CameToDeadEnd(ControlledWorld* world);
// Scheduling decisions so far.
std::uint64_t StepsOf(ControlledWorld* world);

// From here on, what the calling task and its descendants spawn counts in the scope.
ScopeNode* BeginScope(std::string_view name,
                      std::source_location loc = std::source_location::current());
void EndScope(ScopeNode* scope);
// Marks that all that was spawned in it should be gone by now, or, after a look in between, not
// yet.
void MarkScopeEnded(ScopeNode* scope, bool ended = true);
// Marks that what is left in it is as it should be: no finding of a later dump.
void MarkScopeExpected(ScopeNode* scope);
std::uint64_t ScopeId(const ScopeNode* scope);
// Of the one that the calling task spawns in; 0: none.
std::uint64_t CurrentScopeId();
// Tasks alive in the scope and below it. Costs one load.
std::int64_t ScopeLive(const ScopeNode* scope);

// Waits until no task of the calling task's world can run without help from outside, or the scope
// (if not null) is empty, or `grace` has passed on the world's clock. True if it is quiet: nothing
// runnable, no timer pending, nobody outside who could act.
bool WaitUntilQuiet(const ScopeNode* scope, absl::Duration grace);

// For a check in a controlled world: tasks of the scope that live in pools, on real threads. Waits
// on the real clock, for `grace` at most, until all pools are quiet or there is none of them. True
// if there are some; `waited` (may be null) becomes true if there were at first.
bool TasksInPools(const ScopeNode* scope, absl::Duration grace, bool* waited = nullptr);

// What the next task will be called; ids only grow.
std::uint64_t NextTaskId();
// The time of the calling task's world, which does not take it for a look of the program's.
std::int64_t NowNs();

// Of the calling task.
std::uint64_t CurrentWorldId();
bool InControlledWorld();
ControlledWorld* CurrentControlledWorld();  // nullptr in a pool

// In a controlled world: timers are pending.
bool TimersAhead();

// Contexts alive that have not ended and that nobody can cancel any more.
std::int64_t LostCancels();

// Called in the main task when its world has come to a dead end, before GlobalDeadlockError is
// thrown: everything is still parked as it was. Returns the one before.
using DeadEndReporter = void (*)(std::uint64_t world_id);
DeadEndReporter SetDeadEndReporter(DeadEndReporter reporter);

}  // namespace stranded::internal

#endif  // STRANDED_RUNTIME_HOOKS_INTERNAL_CHECK_SUPPORT_H_
