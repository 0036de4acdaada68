// Blocking regions in a controlled world: one task at a time goes in, when others cannot go on.
#include <algorithm>
#include <chrono>

#include "runtime_hooks/scheduler/controlled_world.h"
#include "runtime_hooks/scheduler/park.h"
#include "runtime_hooks/scheduler/reclaim.h"
#include "stranded/options.h"

namespace stranded::internal {

// What it waits for in there may be up to tasks that cannot run meanwhile: they go first, as far as
// they come without time. That is also what a call that takes long looks like to them.
void ControlledWorld::EnterBlocking(Task* self) {
  self->in_blocking_region.store(true, std::memory_order_relaxed);
  if (self->unwinding != Unwinding::kNone) return;
  if (regions_waiting_.empty()) region_step_ = steps_.load(std::memory_order_relaxed);
  regions_waiting_.push_back(self);
  const WakeReason reason = ParkSlow(self, nullptr, nullptr);
  self->wait.kind = WaitKind::kBlockingRegion;  // until it is left
  std::erase(regions_waiting_, self);
  const bool reclaimed = self->unwinding == Unwinding::kReclaims;  // after it was woken
  if (reason == WakeReason::kWoken && !reclaimed) return;
  self->in_blocking_region.store(false, std::memory_order_relaxed);
  ThrowInterrupted(self, reclaimed ? WakeReason::kReclaim : reason);
}

// For a second (outside_ms) nothing went on but daemons, which leave a region and enter the next:
// poll loops. They might do so for ever, and time, or the check, would wait for ever.
bool ControlledWorld::DaemonsLoopAlone() {
  const auto is_daemon = [](const Task* task) { return task->daemon; };
  if (!std::all_of(regions_waiting_.begin(), regions_waiting_.end(), is_daemon)) return false;
  if (regions_waiting_.empty()) return false;
  const auto now = std::chrono::steady_clock::now();
  if (!daemons_alone_until_.has_value()) {
    // Nobody may be left whom they could serve.
    const int patience_ms = checking_ && OnlyDaemonsLeft() ? 0 : GetOptions().outside_ms;
    daemons_alone_until_ = now + std::chrono::milliseconds(patience_ms);
  }
  return now >= *daemons_alone_until_;
}

bool ControlledWorld::OnlyDaemonsLeft() const {
  bool only = true;
  TaskSlab().ForEach(
      [&](Task* task) {
        if (task->world != this || task->daemon) return;
        const std::uint32_t state = task->state.load(std::memory_order_acquire) & Task::kStateMask;
        const bool checks = task->wait.kind == WaitKind::kLeakCheck;
        only = only && (state == Task::kFinished || checks);
      },
      [](Task* task) { UnrefTask(task); });
  return only;
}

// They may also go on and on, until what happens in there stops them.
bool ControlledWorld::RegionIsDue() const {
  constexpr std::uint64_t kOthersFirst = 2000;
  return steps_.load(std::memory_order_relaxed) - region_step_ >= kOthersFirst;
}

// Lets one of those that wait in EnterBlocking() go in.
bool ControlledWorld::EnterRegion() {
  if (regions_waiting_.empty()) return false;
  const auto at =
      regions_waiting_.begin() + static_cast<std::ptrdiff_t>(Choose(regions_waiting_.size()));
  Task* const task = *at;
  regions_waiting_.erase(at);
  region_step_ = steps_.load(std::memory_order_relaxed);
  Wake(task);
  return true;
}

void ControlledWorld::LeaveBlocking(Task* self) {
  self->in_blocking_region.store(false, std::memory_order_relaxed);
}

}  // namespace stranded::internal
