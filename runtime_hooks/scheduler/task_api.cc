// What users call: handles, this_task, Pool, BlockingRegion.
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <exception>

#include "runtime_hooks/recorder/events.h"
#include "runtime_hooks/scheduler/park.h"
#include "runtime_hooks/scheduler/reclaim.h"
#include "runtime_hooks/scheduler/throwing.h"
#include "stranded/internal/context_ref.h"
#include "stranded/task.h"

namespace stranded {
using internal::Task;

TaskHandle::TaskHandle(const TaskHandle& other) : task_(other.task_) {
  if (task_ != nullptr) task_->end.fetch_add(Task::kHandle, std::memory_order_relaxed);
}

namespace {

// Nobody took the exception that left the task, and nobody can any more.
void DieOfUncollected(Task* task) {
  std::exception_ptr left;
  {
    internal::SpinGuard guard(task->finish_lock);
    left = std::exchange(task->error, nullptr);
  }
  if (left == nullptr) return;
  const Task* self = internal::CurrentTaskOrNull();
  if (self != nullptr && self->world->Survives(task, left)) return;
  internal::DieOfException(task, left);
}

__attribute__((noinline)) void DropHandle(Task* task) {
  std::uint32_t seen = task->end.load(std::memory_order_acquire);
  for (;;) {
    // The last handle looks after an error while it still is one: without handles the record goes
    // with the task.
    if (seen < 2 * Task::kHandle && (seen & Task::kFailed) != 0) DieOfUncollected(task);
    // Acq_rel: pairs with LeaveError() and EndFiber(); whoever comes second sees it.
    if (task->end.compare_exchange_weak(seen, seen - Task::kHandle, std::memory_order_acq_rel,
                                        std::memory_order_acquire)) {
      break;
    }
  }
  if (seen < 2 * Task::kHandle && (seen & Task::kGone) != 0) internal::UnrefTask(task);
}

}  // namespace

TaskHandle::~TaskHandle() {
  if (task_ == nullptr) return;
  const bool alone = task_->end.load(std::memory_order_relaxed) == Task::kHandle;
  if (!alone || !internal::PoolWorld::DropFreshHandle(task_)) DropHandle(task_);
}

TaskId TaskHandle::Id() const { return TaskId{task_ == nullptr ? 0 : task_->id}; }

bool TaskHandle::Finished() const {
  if (task_ == nullptr) return true;
  internal::Look(task_);
  // Acquire pairs with Finish(): what the task did is seen.
  if ((task_->end.load(std::memory_order_acquire) & Task::kEnded) == 0) return false;
  internal::RecordLook(internal::WaitKind::kJoin, task_->id, {});
  return true;
}

void TaskHandle::Join(std::source_location loc) const {
  if (task_ == nullptr) return;
  Task* self = internal::CurrentTask();
  if (!internal::SchedulePoint(self, internal::WaitKind::kJoin, task_, loc)) return;
  // Acquire pairs with Finish(): what the task did is seen.
  if ((task_->end.load(std::memory_order_acquire) & Task::kEnded) == 0) {
    AwaitEnd(self, loc);
  } else {
    internal::RecordPass(self->id, internal::WaitKind::kJoin, task_->id, loc);
  }
  if ((task_->end.load(std::memory_order_acquire) & Task::kFailed) == 0) return;
  std::exception_ptr error;
  {
    internal::SpinGuard guard(task_->finish_lock);
    error = std::exchange(task_->error, nullptr);
  }
  if (error != nullptr) std::rethrow_exception(error);
}

void TaskHandle::AwaitEnd(internal::Task* self,
                          const std::source_location& loc) const ABSL_NO_THREAD_SAFETY_ANALYSIS {
  internal::Waiter waiter;
  waiter.task = self;
  task_->finish_lock.Lock();
  task_->joiners.PushBack(&waiter);
  // Acq_rel: Finish() sees kJoined and comes for the lock, or this sees kEnded.
  const std::uint32_t before = task_->end.fetch_or(Task::kJoined, std::memory_order_acq_rel);
  if (before & Task::kEnded) {
    task_->joiners.Remove(&waiter);
    task_->finish_lock.Unlock();
    internal::RecordPass(self->id, internal::WaitKind::kJoin, task_->id, loc);
    return;
  }
  internal::BeginWait(self, internal::WaitKind::kJoin, loc, internal::WaitNowNs(self));
  self->wait.join_task = task_->id;
  const internal::WakeReason reason = internal::ParkHere(
      self, &internal::UnlockAfterSwitch<internal::SpinLock>, &task_->finish_lock);
  if (reason == internal::WakeReason::kWoken) return internal::UnwindIfReclaimed(self);
  task_->finish_lock.Lock();
  const bool queued = waiter.queued;
  if (queued) task_->joiners.Remove(&waiter);
  task_->finish_lock.Unlock();
  if (queued) {
    // In a destructor, which is where servers join, it could come to nobody.
    const bool for_nobody = std::uncaught_exceptions() > 0 || !internal::MayThrow();
    if (reason != internal::WakeReason::kDeadlock || !for_nobody) {
      internal::ThrowInterrupted(self, reason);
    }
    self->wait.kind = internal::WaitKind::kNone;
    return;
  }
  internal::UnwindIfReclaimed(self);
}

namespace this_task {

TaskId Id() { return TaskId{internal::CurrentTask()->id}; }
Context GetContext() { return internal::ContextOf(internal::CurrentTask()->context); }

void Yield(std::source_location loc) {
  Task* self = internal::CurrentTask();
  internal::NoteOp(self, internal::WaitKind::kNone, nullptr, loc);
  if (self->plain && !self->is_thread) [[likely]] {
    internal::PoolWorld::YieldFiber(self);
    return;
  }
  if (self->unwinding == internal::Unwinding::kReclaims) {
    internal::UnwindHere(self);
    return;
  }
  self->world->Yield(self);
}

std::size_t Choose(std::size_t n) { return internal::CurrentTask()->world->Choose(n); }

void SleepFor(absl::Duration d, std::source_location loc) {
  Task* self = internal::CurrentTask();
  internal::World* world = self->world;
  if (self->unwinding == internal::Unwinding::kReclaims) {
    internal::UnwindHere(self);
    return;
  }
  if (d <= absl::ZeroDuration()) {
    Yield(loc);
    return;
  }
  internal::TimerEntry timer;
  timer.kind = internal::TimerKind::kSleep;
  timer.due_ns = internal::LaterBy(world->NowNs(), absl::ToInt64Nanoseconds(d));
  timer.owner = self;
  timer.object_id = self->id;
  timer.site = loc;
  timer.fire = [](internal::TimerEntry* t) { internal::Wake(static_cast<Task*>(t->owner)); };
  internal::BeginWait(self, internal::WaitKind::kSleep, loc, world->NowNs());
  self->wait.until_ns = timer.due_ns;
  // Armed only after the park is complete: a timer that is due at once must find it parked.
  const internal::WakeReason reason = internal::Park(
      self,
      [](void* p) {
        auto* t = static_cast<internal::TimerEntry*>(p);
        static_cast<Task*>(t->owner)->world->AddTimer(t);
      },
      &timer);
  if (reason != internal::WakeReason::kWoken) {
    world->RemoveTimer(&timer);
    internal::ThrowInterrupted(self, reason);
  }
  internal::UnwindIfReclaimed(self);
}

}  // namespace this_task

Pool::Pool(PoolOptions options) : world_(new internal::PoolWorld(options.name, options.workers)) {}

Pool::~Pool() {
  if (down_) return;
  const ShutdownReport report = Shutdown(absl::Seconds(1));
  if (!report.clean) {
    std::fprintf(stderr,
                 "stranded: pool \"%s\" destroyed with %zu unfinished task%s; left in place\n",
                 world_->name().c_str(), report.left, report.left == 1 ? "" : "s");
  }
}

ShutdownReport Pool::Shutdown(absl::Duration grace) {
  auto* pool = static_cast<internal::PoolWorld*>(world_);
  ShutdownReport report;
  if (down_) return report;
  down_ = true;
  const std::int64_t grace_ns = std::max<std::int64_t>(0, absl::ToInt64Nanoseconds(grace));
  const std::int64_t deadline = internal::LaterBy(pool->NowNs(), grace_ns);
  while (pool->live() > 0 && pool->NowNs() < deadline) {
    pool->WaitIdle(std::min(deadline, pool->NowNs() + 1000000));
    if (pool->live() > 0) usleep(200);  // idle, but timers or other worlds may wake its tasks
  }
  report.left = static_cast<std::size_t>(std::max<std::int64_t>(0, pool->live()));
  report.clean = report.left == 0;
  pool->Stop(report.clean);
  if (const Task* self = internal::CurrentTaskOrNull()) {
    internal::RecordPass(self->id, internal::WaitKind::kLeakCheck, 0, {});
  }
  return report;
}

BlockingRegion::BlockingRegion(std::source_location loc) {
  Task* self = internal::CurrentTask();
  NoteOp(self, internal::WaitKind::kBlockingRegion, nullptr, loc);
  internal::BeginWait(self, internal::WaitKind::kBlockingRegion, loc, internal::NowNs());
  self->world->EnterBlocking(self);
}

BlockingRegion::~BlockingRegion() {
  const int saved_errno = internal::GetErrno();
  Task* self = internal::CurrentTask();
  self->world->LeaveBlocking(self);
  // What it waited for outside is not known: all that was before may have been.
  internal::RecordPass(self->id, internal::WaitKind::kBlockingRegion, 0, self->wait.site);
  self->wait.kind = internal::WaitKind::kNone;
  internal::SetErrno(saved_errno);
}

}  // namespace stranded
