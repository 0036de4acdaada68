#include "runtime_hooks/scheduler/relief.h"

#include <algorithm>
#include <exception>

#include "runtime_hooks/channel/chan_core.h"
#include "runtime_hooks/context/context_tree.h"
#include "runtime_hooks/scheduler/controlled_world.h"
#include "runtime_hooks/scheduler/patches.h"
#include "runtime_hooks/sync/force_release.h"
#include "stranded/internal/context_ref.h"

namespace stranded::internal {
namespace {

bool IsParked(const Task* task) {
  return (task->state.load(std::memory_order_acquire) & Task::kStateMask) == Task::kParked;
}

// Calls f(task) for the parked tasks of the world until one call returns true.
template <class F>
bool AnyParked(ControlledWorld* world, F&& f) {
  bool done = false;
  TaskSlab().ForEach(
      [&](Task* task) {
        if (!done && task->world == world && IsParked(task)) done = f(task);
      },
      [](Task* task) { UnrefTask(task); });
  return done;
}

// Whether what this task was to do is over: it has finished, or it is main behind its function.
bool IsOver(ControlledWorld* world, std::uint64_t task_id) {
  const Task* main = world->main_task();
  if (main != nullptr && main->id == task_id) return world->main_is_done();
  return !AnyParked(world, [&](const Task* task) { return task->id == task_id; });
}

bool ContextHasEnded(const Task* task) {
  const ContextNode* canceller = task->context == nullptr ? nullptr : task->context->canceller;
  return canceller != nullptr &&
         canceller->ended.load(std::memory_order_acquire) != ContextErr::kNone;
}

// A task that goes on without its value, again and again, sends for ever: then it is left waiting.
bool EndsBy(PatchKind kind, const Task* task, WaitKind operation,
            const std::source_location& site) {
  constexpr std::uint32_t kMostSkips = 1000;
  const Patch* const patch = FindPatch(kind, site, operation);
  return patch != nullptr && !(patch->skips && task->gave_up >= kMostSkips);
}

bool GiveUp(ControlledWorld* world) {
  return AnyParked(world, [&](Task* task) {
    if (task->wait.kind == WaitKind::kLeakCheck || task->wait.kind == WaitKind::kNone) return false;
    if (!EndsBy(PatchKind::kGiveUp, task, task->wait.kind, task->wait.site)) return false;
    return Interrupt(task, WakeReason::kGiveUp);
  });
}

bool Release(ControlledWorld* world) {
  return AnyParked(world, [&](Task* task) {
    if (task->wait.sync == nullptr) return false;
    return ForceRelease(const_cast<SyncBase*>(task->wait.sync), world);
  });
}

// Asleep, or at the channel of a timer or ticker.
bool WaitsForTime(const Task* task) {
  const WaitRecord& wait = task->wait;
  return wait.kind == WaitKind::kSleep ||
         std::any_of(wait.cases, wait.cases + wait.case_count, [](const SelectCase& c) {
           return c.chan != nullptr && c.chan->role == ChanRole::kTimerTick;
         });
}

// Whether the task that sent last sends no more: it is over, or, where nothing else can run, it
// waits elsewhere. If it sends again when the close lets it go on, that throws.
enum class Sender { kIsOver, kWaitsElsewhere };

bool IsDone(ControlledWorld* world, std::uint64_t task_id, Sender how) {
  if (how == Sender::kIsOver) return IsOver(world, task_id);
  return AnyParked(world,
                   [&](const Task* task) { return task->id == task_id && !WaitsForTime(task); });
}

bool Close(ControlledWorld* world, Sender how) {
  bool closed = false;
  ChanSlab().ForEach(
      [&](ChanCore* chan) {
        if (closed || chan->world_id != world->id() || chan->role != ChanRole::kUser) return;
        if (FindPatch(PatchKind::kClose, chan->site) == nullptr) return;
        std::uint64_t sender = 0;
        {
          SpinGuard guard(chan->lock);
          if (chan->closed || chan->receivers.empty()) return;
          sender = chan->last_sender.task;
        }
        if (sender != 0 && !IsDone(world, sender, how)) return;
        closed = CloseNow(chan, sender, chan->site);
        SpinGuard guard(chan->lock);
        chan->closed_by_patch = true;
      },
      [](ChanCore* chan) { UnrefChan(chan); });
  return closed;
}

bool Cancel(ControlledWorld* world) {
  ContextNode* found = nullptr;
  ContextSlab().ForEach(
      [&](ContextNode* node) {
        if (found != nullptr || node->world_id != world->id() || !node->has_cancel_func) return;
        if (node->ended.load(std::memory_order_acquire) != ContextErr::kNone) return;
        if (FindPatch(PatchKind::kCancel, node->site) == nullptr) return;
        if (!IsOver(world, node->creator)) return;
        RefContext(node);
        found = node;
      },
      [](ContextNode* node) { UnrefContext(node); });
  if (found == nullptr) return false;
  EndOfContext end;
  end.err = ContextErr::kCancelled;
  end.at_ns = world->NowNs();
  end.by = found->creator;
  end.site = found->site;
  end.origin = found->id;
  EndContext(found, end);
  UnrefContext(found);
  return true;
}

}  // namespace

// The patch is met when the context ends, not before.
bool AwaitsItsEnd(const Task* self) {
  if (!any_patches.load(std::memory_order_relaxed)) [[likely]]
    return false;
  return std::any_of(Patches().begin(), Patches().end(), [self](const Patch& patch) {
    return patch.Names(PatchKind::kContext, self->wait.site);
  });
}

Task* FirstAtItsEnd(const std::vector<Task*>& tasks) {
  const auto at = std::find_if(tasks.begin(), tasks.end(), [](const Task* task) {
    const std::uint32_t state = task->state.load(std::memory_order_acquire);
    if ((state & Task::kStateMask) != Task::kParked || (state & Task::kWakePending) != 0) {
      return false;
    }
    // What ends it throws: not out of what a task that is being unwound does in its destructors.
    return task->unwinding == Unwinding::kNone && ContextHasEnded(task) &&
           EndsBy(PatchKind::kContext, task, task->wait.kind, task->wait.site);
  });
  return at == tasks.end() ? nullptr : *at;
}

bool ChoosesItsEnd(Task* self, WaitKind operation, const std::source_location& site) {
  if (!any_patches.load(std::memory_order_relaxed)) [[likely]]
    return false;
  // As above.
  if (self->unwinding != Unwinding::kNone || std::uncaught_exceptions() > 0) return false;
  return !self->world->UsesThreads() && ContextHasEnded(self) &&
         EndsBy(PatchKind::kContext, self, operation, site) && self->world->Choose(2) == 1;
}

bool Relieve(ControlledWorld* world) {
  if (!any_patches.load(std::memory_order_relaxed)) [[likely]]
    return false;
  return GiveUp(world) || Close(world, Sender::kIsOver) || Cancel(world) || Release(world) ||
         Close(world, Sender::kWaitsElsewhere);
}

}  // namespace stranded::internal
