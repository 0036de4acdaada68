#include "runtime_hooks/scheduler/reclaim.h"

#include <exception>
#include <mutex>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "runtime_hooks/scheduler/controlled_world.h"
#include "runtime_hooks/sync/count_credit.h"

namespace stranded::internal {
namespace {

// Objects may go on any thread; the list is read by the world's own.
struct Gone {
  std::mutex mutex;
  absl::flat_hash_set<const SyncBase*> objects;  // guarded by mutex
  int open = 0;                                  // guarded by mutex
};
Gone& AllGone() {
  static auto& gone = *new Gone;  // never destroyed: objects outlive statics
  return gone;
}
std::atomic<bool> noting_gone{false};  // relaxed: set before the tasks that matter run
// Of controlled worlds. Relaxed: who destroys a lock comes after those who wait with it.
std::atomic<int> unlocked_meanwhile{0};

// By a task that may be about to let others go on. Who signals, or gives units back, leaves no
// trace before.
bool InUse(const SyncBase& object) {
  if (object.kind == SyncKind::kCond || object.kind == SyncKind::kSemaphore) return true;
  const bool is_lock = object.kind == SyncKind::kMutex || object.kind == SyncKind::kRwMutex;
  if (is_lock && unlocked_meanwhile.load(std::memory_order_relaxed) > 0) return true;
  SpinGuard guard(object.lock);
  return object.holder != 0 || object.readers != 0 || CountOf(object) != 0 ||
         !object.waiters.empty();
}

std::terminate_handler terminate_before = nullptr;

[[noreturn]] void TerminateOrPark() {
  Task* const self = CurrentTaskOrNull();
  if (self != nullptr && self->unwinding == Unwinding::kReclaims && !self->is_main &&
      !self->world->UsesThreads()) {
    static_cast<ControlledWorld*>(self->world)->ParkForGood(self);
  }
  // The one before may be a program's that was set later and calls the one before it: this.
  thread_local bool passed_on = false;
  if (!std::exchange(passed_on, true)) terminate_before();
  std::abort();
}

}  // namespace

void NoteSyncMade(const SyncBase* object) {
  if (!noting_gone.load(std::memory_order_relaxed)) [[likely]]
    return;
  std::lock_guard lock(AllGone().mutex);
  AllGone().objects.erase(object);
}

void NoteSyncGone(const SyncBase* object) {
  if (!noting_gone.load(std::memory_order_relaxed)) [[likely]]
    return;
  if (!InUse(*object)) return;
  std::lock_guard lock(AllGone().mutex);
  AllGone().objects.insert(object);
}

bool IsGone(const SyncBase* object) {
  std::lock_guard lock(AllGone().mutex);
  return AllGone().objects.contains(object);
}

UnlockedMeanwhile::UnlockedMeanwhile(const Task* self) : counts_(!self->plain) {
  if (counts_) unlocked_meanwhile.fetch_add(1, std::memory_order_relaxed);
}
UnlockedMeanwhile::~UnlockedMeanwhile() {
  if (counts_) unlocked_meanwhile.fetch_sub(1, std::memory_order_relaxed);
}

void BeginNotingGone() {
  std::lock_guard lock(AllGone().mutex);
  ++AllGone().open;
  noting_gone.store(true, std::memory_order_relaxed);
}

void EndNotingGone() {
  std::lock_guard lock(AllGone().mutex);
  if (--AllGone().open > 0) return;
  AllGone().objects.clear();
  noting_gone.store(false, std::memory_order_relaxed);
}

void UnwindHere(Task*) {
  if (std::uncaught_exceptions() == 0) throw TaskUnwound{};
}

void InstallTerminateGuard() {
  if (std::get_terminate() == &TerminateOrPark) return;
  terminate_before = std::set_terminate(&TerminateOrPark);
}

std::size_t ControlledWorld::Reclaim() {
  std::vector<Task*> left;
  TaskSlab().ForEach(
      [&](Task* task) {
        if (task->world != this || task->is_thread || task == main_task()) return;
        const std::uint32_t state = task->state.load(std::memory_order_acquire);
        if ((state & Task::kStateMask) == Task::kFinished) return;
        RefTask(task);
        left.push_back(task);
      },
      [](Task* task) { UnrefTask(task); });
  reclaiming_ = true;
  DropTimers();
  for (Task* task : left) {
    SetUnwinding(task, Unwinding::kReclaims);
    Interrupt(task, WakeReason::kReclaim);
  }
  RunUntilQuiet(0);
  std::size_t stay = 0;
  for (Task* task : left) {
    const std::uint32_t state = task->state.load(std::memory_order_acquire);
    stay += (state & Task::kStateMask) != Task::kFinished;
    UnrefTask(task);
  }
  return stay;
}

void ControlledWorld::ParkForGood(Task* self) {
  self->wait = WaitRecord{};
  for (;;) Park(self, nullptr, nullptr);
}

}  // namespace stranded::internal
