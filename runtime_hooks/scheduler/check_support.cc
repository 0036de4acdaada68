#include "stranded/internal/check_support.h"

#include <sched.h>
#include <time.h>

#include <algorithm>
#include <chrono>
#include <vector>

#include "runtime_hooks/context/context_node.h"
#include "runtime_hooks/registry/scope.h"
#include "runtime_hooks/scheduler/controlled_world.h"
#include "runtime_hooks/scheduler/pool_world.h"
#include "runtime_hooks/scheduler/reclaim.h"
#include "stranded/internal/recorder_hooks.h"

namespace stranded::internal {
namespace {

std::atomic<void (*)(std::uint64_t)> dead_end_reporter{nullptr};

std::size_t CountUnfinished(const World* world) {
  std::size_t count = 0;
  TaskSlab().ForEach(
      [&](Task* task) {
        if (task->world != world || task->is_thread) return;
        const std::uint32_t state = task->state.load(std::memory_order_acquire);
        if ((state & Task::kStateMask) != Task::kFinished) ++count;
      },
      [](Task* task) { UnrefTask(task); });
  return count;
}

// Unfinished tasks of the scope, and of those within it, that are in no controlled world.
bool AnyInPools(const ScopeNode* scope) {
  struct Search {
    std::uint64_t scope;
    std::vector<std::uint64_t> pools;
    bool found = false;
  } search{scope->id, PoolIds()};
  TaskSlab().ForEach(
      [&](Task* task) {
        if (search.found || task->is_thread || task->scope == nullptr) return;
        const std::uint64_t world = task->world_id.load(std::memory_order_relaxed);
        if (!std::binary_search(search.pools.begin(), search.pools.end(), world)) return;
        if (!IsWithin(task->scope, search.scope)) return;
        const std::uint32_t state = task->state.load(std::memory_order_acquire);
        search.found = (state & Task::kStateMask) != Task::kFinished;
      },
      [](Task* task) { UnrefTask(task); });
  return search.found;
}

bool PoolsAreQuiet() {
  bool quiet = true;
  ForEachWorld(
      [](World* world, void* arg) {
        auto& all = *static_cast<bool*>(arg);
        if (all && world->UsesThreads()) all = world->Facts().quiet;
      },
      &quiet);
  return quiet;
}

}  // namespace

ControlledWorld* EnterControlledWorld(const std::string& name, std::uint64_t seed) {
  auto* world = new ControlledWorld(name, seed);
  world->Enter();
  return world;
}

std::size_t LeaveControlledWorld(ControlledWorld* world) {
  const std::uint32_t adopted = world->adopted();
  std::size_t left = world->AllFinished() ? 0 : CountUnfinished(world);
  if (world->settings().reclaim) {
    if (left > 0) left = world->Reclaim();
    EndNotingGone();
  }
  world->Leave();
  if (left > 0) return left;  // what is left points to its world
  // Another thread may be starting a task here, at the end of a context.
  UnregisterWorld(world);
  while (world->pinned()) sched_yield();
  world->DropTimers();  // or have set a timer
  if (world->adopted() != adopted) left = CountUnfinished(world);
  if (left > 0) {
    RegisterWorld(world);
  } else {
    delete world;
  }
  return left;
}

std::uint64_t WorldIdOf(const ControlledWorld* world) { return world->id(); }
bool CameToDeadEnd(ControlledWorld* world) { return world->Facts().deadlock; }
std::uint64_t StepsOf(ControlledWorld* world) { return world->Facts().steps; }

ScopeNode* BeginScope(std::string_view name, std::source_location loc) {
  Task* self = CurrentTask();
  ScopeNode* scope = NewScope(self->spawn_scope, name, self->id, loc);
  self->spawn_scope = scope;
  return scope;
}

void EndScope(ScopeNode* scope) {
  Task* self = CurrentTask();
  MarkScopeEnded(scope);
  scope->closed = true;
  // Scopes end in the reverse order of their begin; one that ends early is left with those in it,
  // which keep it until then.
  while (self->spawn_scope != nullptr && self->spawn_scope->closed) {
    self->spawn_scope = self->spawn_scope->parent;
  }
  UnrefScope(scope);
}

void MarkScopeEnded(ScopeNode* scope, bool ended) {
  scope->ended.store(ended, std::memory_order_release);
}
void MarkScopeExpected(ScopeNode* scope) { scope->expected.store(true, std::memory_order_release); }
std::uint64_t ScopeId(const ScopeNode* scope) { return scope->id; }
std::uint64_t CurrentScopeId() {
  const ScopeNode* scope = CurrentTask()->spawn_scope;
  return scope == nullptr ? 0 : scope->id;
}

std::int64_t ScopeLive(const ScopeNode* scope) {
  // Acquire: pairs with AddToScope, so that the checker sees what the finished tasks did.
  return scope->live.load(std::memory_order_acquire);
}

bool WaitUntilQuiet(const ScopeNode* scope, absl::Duration grace) {
  World* const world = CurrentWorld();
  const std::int64_t grace_ns = absl::ToInt64Nanoseconds(grace);
  if (!world->UsesThreads()) return static_cast<ControlledWorld*>(world)->RunUntilQuiet(grace_ns);
  return static_cast<PoolWorld*>(world)->WaitUntilQuiet(
      grace_ns,
      [](const void* s) {
        return s != nullptr && ScopeLive(static_cast<const ScopeNode*>(s)) == 0;
      },
      scope);
}

bool TasksInPools(const ScopeNode* scope, absl::Duration grace, bool* waited) {
  constexpr timespec kPause{0, 1000000};
  const auto until = std::chrono::steady_clock::now() + absl::ToChronoNanoseconds(grace);
  while (AnyInPools(scope)) {
    if (PoolsAreQuiet() || std::chrono::steady_clock::now() >= until) return true;
    if (waited != nullptr) *waited = true;
    nanosleep(&kPause, nullptr);
  }
  return false;
}

bool InControlledWorld() { return CurrentControlledWorld() != nullptr; }

bool TimersAhead() {
  World* const world = CurrentWorld();
  return !world->UsesThreads() && !static_cast<ControlledWorld*>(world)->NothingAhead();
}

std::int64_t LostCancels() { return lost_cancels.load(std::memory_order_relaxed); }

std::uint64_t CurrentWorldId() { return CurrentWorld()->id(); }

DeadEndReporter SetDeadEndReporter(DeadEndReporter reporter) {
  const DeadEndReporter before = dead_end_reporter.exchange(reporter, std::memory_order_acq_rel);
  SetDeadEndHook([](World* world) {
    auto* report = dead_end_reporter.load(std::memory_order_acquire);
    if (report == nullptr) return DumpDeadEnd(world);
    report(world->id());
  });
  return before;
}

}  // namespace stranded::internal
