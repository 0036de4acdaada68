#include "stranded/internal/explore_support.h"

#include <algorithm>
#include <cstring>
#include <vector>

#include "runtime_hooks/context/context_node.h"
#include "runtime_hooks/recorder/events.h"
#include "runtime_hooks/recorder/freeze.h"
#include "runtime_hooks/registry/scope.h"
#include "runtime_hooks/scheduler/controlled_world.h"
#include "runtime_hooks/scheduler/reclaim.h"
#include "stranded/internal/check_support.h"

namespace stranded::internal {
namespace {

std::uint64_t HashBytes(std::uint64_t hash, const void* data, std::size_t bytes) {
  const auto* p = static_cast<const unsigned char*>(data);
  for (std::size_t i = 0; i < bytes; ++i) hash = (hash ^ p[i]) * 0x100000001b3ULL;
  return hash;
}

std::uint64_t HashSite(std::uint64_t hash, const std::source_location& site) {
  const std::uint64_t line = site.line();
  hash = HashBytes(hash, site.file_name(), std::strlen(site.file_name()));
  return HashBytes(hash, &line, sizeof(line));
}

std::uint64_t HashTask(const Task* task) {
  const auto kind = static_cast<unsigned char>(task->wait.kind);
  std::uint64_t hash = HashBytes(0xcbf29ce484222325ULL, &kind, 1);
  hash = HashSite(hash, task->wait.site);
  return task->is_thread ? hash : HashSite(hash, task->origin.site);
}

}  // namespace

ControlledWorld* EnterExploredWorld(const std::string& name, const ScheduleSettings& settings,
                                    const SchedulePolicy& policy, std::uint64_t seed) {
  if (settings.reclaim) {
    InstallTerminateGuard();
    BeginNotingGone();
  }
  auto* world = new ControlledWorld(name, settings, policy.get(), seed);
  world->Enter();
  return world;
}

bool TraceEvents(bool on) {
  // Before and after: a run that begins meanwhile does not go on either.
  trace_turn.fetch_add(1, std::memory_order_relaxed);
  const bool before = tracing.exchange(on, std::memory_order_relaxed);
  trace_turn.fetch_add(1, std::memory_order_relaxed);
  return before;
}

ScheduleRecord RecordOf(ControlledWorld* world) {
  ScheduleRecord record = world->record();
  record.schedule = ScheduleText(world->deviations());
  record.deviations = world->deviations().size();
  record.steps = world->Facts().steps;
  return record;
}

namespace {

std::uint64_t SumOfTasks(const ControlledWorld* world, bool deadlock) {
  std::uint64_t sum = 0;
  TaskSlab().ForEach(
      [&](Task* task) {
        if (task->world != world) return;
        const std::uint32_t state = task->state.load(std::memory_order_acquire) & Task::kStateMask;
        if (state == Task::kFinished) return;
        // Main counts where it is stuck, not where it checks.
        if (task == world->main_task() && !deadlock) return;
        sum += HashTask(task) * (state == Task::kParked || task == world->main_task() ? 1 : 3);
      },
      [](Task* task) { UnrefTask(task); });
  return sum;
}

}  // namespace

std::uint64_t EndOf(ControlledWorld* world) {
  const bool deadlock = CameToDeadEnd(world);
  std::uint64_t sum = deadlock || !world->AllFinished() ? SumOfTasks(world, deadlock) : 0;
  if (deadlock) sum ^= 0x9e3779b97f4a7c15ULL;
  if (lost_cancels.load(std::memory_order_relaxed) > 0) sum += 0x51ed270b7a1ULL;
  return sum;
}

std::uint64_t EndInPools(absl::Duration grace) {
  const ScopeNode* const scope = CurrentTask()->spawn_scope;
  if (scope == nullptr || ScopeLive(scope) == 0 || !TasksInPools(scope, grace)) return 0;
  struct Sum {
    std::uint64_t scope;
    std::vector<std::uint64_t> pools;
    std::uint64_t all = 0;
  } sum{scope->id, PoolIds()};
  TaskSlab().ForEach(
      [&sum](Task* task) {
        if (task->is_thread || task->scope == nullptr) return;
        const std::uint64_t world = task->world_id.load(std::memory_order_relaxed);
        if (!std::binary_search(sum.pools.begin(), sum.pools.end(), world)) return;
        if (!IsWithin(task->scope, sum.scope)) return;
        const bool parked = Freeze(task);  // else its wait may change
        if (!parked &&
            (task->state.load(std::memory_order_acquire) & Task::kStateMask) == Task::kFinished) {
          return;
        }
        sum.all += parked ? HashTask(task) : HashSite(1, task->origin.site);
        if (parked) Thaw(task);
      },
      [](Task* task) { UnrefTask(task); });
  return sum.all;
}

}  // namespace stranded::internal
