// Making a task and starting it: what Go() is made of.
#include <algorithm>
#include <tuple>

#include "runtime_hooks/context/context_node.h"
#include "runtime_hooks/recorder/events.h"
#include "runtime_hooks/recorder/state_table.h"
#include "runtime_hooks/registry/scope.h"
#include "runtime_hooks/scheduler/fiber_switch.h"
#include "runtime_hooks/scheduler/pool_world.h"
#include "runtime_hooks/scheduler/stack_pool.h"
#include "runtime_hooks/scheduler/task.h"
#include "stranded/internal/context_ref.h"
#include "stranded/internal/explore_support.h"
#include "stranded/task.h"

namespace stranded::internal {

std::atomic<bool> forked_child{false};

namespace {

constexpr std::uint64_t kIdBatch = 64;
std::atomic<std::uint64_t> next_id_batch{1};

}  // namespace

void TakeTaskIds(ThreadBlock* here) {
  here->next_task_id = next_id_batch.fetch_add(kIdBatch, std::memory_order_relaxed);
  here->task_ids_left = kIdBatch;
}

// Of what this thread spawns from now on; other threads may still have lower ids at hand.
std::uint64_t NextTaskId() {
  const ThreadBlock* here = Here();
  const std::uint64_t batch = next_id_batch.load(std::memory_order_relaxed);
  const bool newest = here->task_ids_left > 0 && here->next_task_id + here->task_ids_left == batch;
  if (newest) return here->next_task_id;
  Here()->task_ids_left = 0;
  return batch;
}

Task* PrepareTask(const SpawnSpec& given, void** closure) {
  World* world = given.world;
  SpawnNode* parent = given.parent;
  ScopeNode* scope = given.scope;
  Task* spawner = nullptr;
  if (!given.detached) [[likely]] {
    spawner = CurrentTask();
    std::ignore = SchedulePoint(spawner, WaitKind::kNone, nullptr, given.site);
    if (world == nullptr) world = spawner->world;
    scope = spawner->spawn_scope;
    if (world != spawner->world && world->Stopped()) {
      throw MisuseError("Go() on a pool that was shut down");
    }
  } else if (world->Stopped()) {
    world = DefaultPool();  // a timer or the end of a context comes after the pool's
  }
  if (forked_child.load(std::memory_order_relaxed) && world->UsesThreads()) {
    throw ResourceError(
        "Go() in the child of a fork: the worker threads stayed in the parent, so no task can run "
        "here. Call exec, or fork before the runtime is first used");
  }
  if (spawner != nullptr) {
    parent = OwnNode(spawner->origin, spawner->id);
    spawner->has_spawned.store(true, std::memory_order_relaxed);
  }
  Stack* stack = AllocStack(given.options != nullptr ? given.options->stack_bytes : 0);
  Task* task = TaskSlab().NewUnpublished();
  task->id = NewTaskId();
  task->world = world;
  task->world_id.store(world->id(), std::memory_order_relaxed);
  task->plain = world->UsesThreads();
  task->stack = stack;
  SetOrigin(task->origin, parent, given.site);
  if (given.options != nullptr) {
    task->daemon = given.options->daemon;
    task->pinned = given.options->pinned;
    if (!given.options->name.empty()) {
      MakeOwnNode(task->origin, task->id, given.options->name);
    }
  }
  if (given.context != nullptr) {
    task->context = NodeOf(*given.context);
  } else {
    task->context = spawner != nullptr ? spawner->context : BackgroundNode();
  }
  RefNode(task->context);
  task->created_ns = world->coarse_ns();
  task->group.store(given.group, std::memory_order_relaxed);
  if (spawner != nullptr && spawner->unwinding == Unwinding::kReclaims) {
    SetUnwinding(task, Unwinding::kReclaims);  // it never begins
  }
  world->Adopt(task);
  if (scope != nullptr) {
    task->scope = task->spawn_scope = scope;
    RefScope(task->scope);
    AddToScope(task->scope, 1);
  }
  // The closure lies at the top of the stack's own page; one page is usually all a task touches.
  auto top = reinterpret_cast<std::uintptr_t>(stack->top()) - given.closure_bytes;
  top &= ~(static_cast<std::uintptr_t>(given.closure_align < 64 ? 64 : given.closure_align) - 1);
  *closure = task->function.closure = reinterpret_cast<void*>(top);
  PrepareFiber(task, *closure, top - reinterpret_cast<std::uintptr_t>(stack->low));
  task->end.store(Task::kHandle, std::memory_order_relaxed);
  Slab<Task>::Publish(task);
  return task;
}

namespace {

__attribute__((noinline)) void StartTraced(Task* task) {
  Task* const spawner = CurrentTaskOrNull();
  RecordSpawn(spawner, task);
  task->world->Start(task, spawner);
}

}  // namespace

void StartTask(Task* task, void (*run)(void*), void (*destroy)(void*)) {
  task->function.run = run;
  task->function.destroy = destroy;
  if (tracing.load(std::memory_order_relaxed)) [[unlikely]]
    return StartTraced(task);
  // Not by way of the table: most are of a pool.
  if (task->plain) return static_cast<PoolWorld*>(task->world)->Start(task, CurrentTaskOrNull());
  task->world->Start(task, CurrentTaskOrNull());
}

void AbandonTask(Task* task) {
  ReleaseFiber(task);
  FreeStack(task->stack);
  if (task->scope != nullptr) AddToScope(task->scope, -1);
  task->state.store(Task::kFinished, std::memory_order_release);
  UnrefTask(task);
}

}  // namespace stranded::internal
