#include "stranded/task.h"

#include <cxxabi.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <tuple>

#include "runtime_hooks/context/context_node.h"
#include "runtime_hooks/recorder/events.h"
#include "runtime_hooks/recorder/state_table.h"
#include "runtime_hooks/registry/finished.h"
#include "runtime_hooks/registry/scope.h"
#include "runtime_hooks/scheduler/fiber_switch.h"
#include "runtime_hooks/scheduler/park.h"
#include "runtime_hooks/scheduler/reclaim.h"
#include "runtime_hooks/scheduler/stack_pool.h"
#include "runtime_hooks/scheduler/task_text.h"
#include "runtime_hooks/select/left_later.h"
#include "stranded/internal/context_ref.h"
#include "stranded/internal/explore_support.h"
#include "stranded/internal/recorder_hooks.h"

namespace stranded::internal {

std::atomic<int> runtime_threads{0};
std::atomic<int> adopted_threads{0};
std::atomic<bool> noting{true};

namespace {

std::atomic<std::uint64_t> next_world_id{1};
std::atomic<DeadEndHook> dead_end_hook{&DumpDeadEnd};  // release and acquire: the hook's own state

// exit() ends what is thread_local of the main thread first: when it comes to the dump it is
// adopted anew, and is still the task that has begun the others.
std::uint64_t MainId() {
  static std::atomic<std::uint64_t> main_id{0};  // relaxed: of one thread
  if (forked_child.load(std::memory_order_relaxed)) return NewTaskId();
  if (main_id.load(std::memory_order_relaxed) == 0) {
    main_id.store(NewTaskId(), std::memory_order_relaxed);
  }
  return main_id.load(std::memory_order_relaxed);
}

// When the OS thread ends.
void EndAdoption(void* adopted) {
  auto* const task = static_cast<Task*>(adopted);
  SetCurrent(nullptr);
  ForgetAdopted(task);
  adopted_threads.fetch_sub(1, std::memory_order_relaxed);
  if (task->left_later.load(std::memory_order_relaxed) != nullptr) EndLeft(task);
  // In the child of a fork the record and the ring are the parent's.
  const bool child = forked_child.load(std::memory_order_relaxed);
  if (task->record != nullptr && !child) RecordFinish(task);
  task->state.store(Task::kFinished, std::memory_order_release);
  ReleaseRoot(task);
  UnrefTask(task);
}

}  // namespace

__attribute__((noinline)) Task* AdoptThread() {
  InstallRecorder();
  PrepareThreadForSignals();
  Task* task = TaskSlab().NewUnpublished();
  task->is_thread = true;
  task->os_tid = static_cast<pid_t>(syscall(SYS_gettid));
  task->is_main = task->os_tid == getpid();
  task->id = task->is_main ? MainId() : NewTaskId();
  task->context = BackgroundNode();
  const std::string name = task->is_main ? "main" : "thread";
  SetOrigin(task->origin, nullptr, {});
  MakeOwnNode(task->origin, task->id, name);
  task->state.store(Task::kRunning, std::memory_order_relaxed);
  sem_init(&task->thread_wake, 0, 0);
  PrepareRoot(task);
  SetWorld(task, DefaultPool());
  task->created_ns = task->world->NowNs();
  TaskSlab().Publish(task);
  NoteAdopted(task);
  // Known only when it can be found. Release: pairs with the acquire in PoolWorld::Facts.
  adopted_threads.fetch_add(1, std::memory_order_release);
  SetCurrent(task);
  if (tracing.load(std::memory_order_relaxed)) [[unlikely]]
    RecordAdopted(task);
  AtThreadEnd(&EndAdoption, task);
  return task;
}

namespace {

std::string ExceptionText(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const std::exception& e) {
    return e.what();
  } catch (...) {
    const std::type_info* type = abi::__cxa_current_exception_type();
    if (type == nullptr) return "unknown exception";
    int status = 0;
    char* const name = abi::__cxa_demangle(type->name(), nullptr, nullptr, &status);
    std::string text = std::string("an exception of type ") + (status == 0 ? name : type->name());
    std::free(name);
    return text;
  }
}

void WakeJoiners(Task* self) {
  SpinGuard guard(self->finish_lock);
  while (Waiter* w = self->joiners.PopFront()) {
    w->success = true;
    Wake(w->task);
  }
}

void KeepError(Task* self, std::exception_ptr error) {
  SpinGuard guard(self->finish_lock);
  self->error = std::move(error);
}

// Leaves the exception to the handles. If there is none, that is the end of the process, unless the
// world bears it.
__attribute__((noinline)) void LeaveError(Task* self) {
  // Acq_rel: the last handle that goes sees kFailed and the error, or this sees that it has gone.
  const std::uint32_t before = self->end.fetch_or(Task::kFailed, std::memory_order_acq_rel);
  if (before >= Task::kHandle) return;
  std::exception_ptr error;
  {
    SpinGuard guard(self->finish_lock);
    error = std::exchange(self->error, nullptr);
  }
  if (!self->world->Survives(self, error)) DieOfException(self, error);
}

// All before a joiner goes on: it must not find the task running, or in its scope.
__attribute__((always_inline)) inline void SayFinished(Task* self) {
  if (tracing.load(std::memory_order_relaxed)) [[unlikely]]
    RecordFinish(self);
  self->state.store(Task::kFinished, std::memory_order_release);
  // The scope's memory stays until the record goes: a snapshot may be reading it.
  if (self->scope != nullptr) AddToScope(self->scope, -1);
}

// Somebody has a handle.
__attribute__((noinline)) void FinishWatched(Task* self) {
  // Its record may stay for long, and a snapshot leaves out what has finished.
  RefOrigin(self->origin);
  RememberFinished(*self);
  SayFinished(self);
  const std::uint32_t before = self->end.fetch_or(Task::kEnded, std::memory_order_acq_rel);
  if (before & Task::kJoined) WakeJoiners(self);
}

void Finish(Task* self) {
  if (self->left_later.load(std::memory_order_relaxed) != nullptr) [[unlikely]]
    EndLeft(self);
  // Without handles nobody can join it, or make a handle any more.
  if (self->end.load(std::memory_order_acquire) >= Task::kHandle) [[unlikely]]
    return FinishWatched(self);
  SayFinished(self);
}

// False if an exception left the task's function: then it is in `error`.
bool RunFunction(Task* self) {
  if (self->unwinding != Unwinding::kNone) {  // reclaimed before it began
    // What its closure does at its end is no business of that world: others go on here.
    if (self->world->UsesThreads()) SetUnwinding(self, Unwinding::kNone);
    return true;
  }
  try {
    self->function.run(self->function.closure);
  } catch (const TaskUnwound&) {
    return true;
  } catch (...) {
    if (self->unwinding != Unwinding::kNone) return true;
    KeepError(self, std::current_exception());
    return false;
  }
  return true;
}

}  // namespace

void RunFiber(Task* self) {
  if (tracing.load(std::memory_order_relaxed)) [[unlikely]]
    RecordStart(self);
  const bool well = RunFunction(self);
  self->function.destroy(self->function.closure);
  if (!well) [[unlikely]]
    LeaveError(self);
  Finish(self);
  self->world->FinishFiber(self);
  std::abort();
}

// The compiler takes the address
// of errno for constant within a function: so it must not be read and written in the same one.
__attribute__((noinline)) int GetErrno() {
  asm volatile("" ::: "memory");
  return errno;
}
__attribute__((noinline)) void SetErrno(int value) {
  asm volatile("" ::: "memory");
  errno = value;
}

std::string DescribeException(const Task* task, const std::exception_ptr& error) {
  const std::string text = ExceptionText(error);
  return "an exception left task" + QuotedName(task) + " spawned at " +
         PlaceText(task->origin.site) + ": " + text.substr(0, text.find('\n'));
}

[[noreturn]] void DieOfException(const Task* task, const std::exception_ptr& error) {
  const auto& site = task->origin.site;
  const std::string name = QuotedName(task);
  std::fprintf(stderr,
               "stranded: an exception left task %llu%s, spawned at %s in %s: %s\n"
               "stranded: nobody holds a handle that could collect it\n",
               static_cast<unsigned long long>(task->id), name.c_str(), PlaceText(site).c_str(),
               site.function_name(), ExceptionText(error).c_str());
  std::abort();
}

World::World(std::string name)
    : id_(next_world_id.fetch_add(1, std::memory_order_relaxed)), name_(std::move(name)) {}

namespace {

inline void Release(Task* t) {
  if (!Slab<Task>::Unref(t)) return;
  // The usual end: it is remembered, and its origin goes to the one that remembers.
  if (!t->is_thread && (t->end.load(std::memory_order_relaxed) & Task::kEnded) == 0) {
    RememberFinished(*t);
  } else {
    UnrefOrigin(t->origin);
  }
  if (t->context != nullptr) UnrefNode(t->context);
  if (t->scope != nullptr) UnrefScope(t->scope);
  TaskSlab().Free(t);
}

}  // namespace

void UnrefTask(Task* t) { Release(t); }

void EndFiber(Task* task) {
  ReleaseFiber(task);
  FreeStack(task->stack);
  task->stack = nullptr;
  if (task->end.load(std::memory_order_acquire) >= Task::kHandle) [[unlikely]] {
    // Acq_rel: whoever comes second, this or the last handle, sees what the other one did.
    const std::uint32_t before = task->end.fetch_or(Task::kGone, std::memory_order_acq_rel);
    if (before >= Task::kHandle) return;
  }
  Release(task);
}

void SetWorld(Task* task, World* world) {
  task->world = world;
  task->world_id.store(world->id(), std::memory_order_relaxed);
  SetUnwinding(task, task->unwinding);
}

void SetUnwinding(Task* task, Unwinding unwinding) {
  task->unwinding = unwinding;
  task->plain = unwinding == Unwinding::kNone && task->world->UsesThreads();
}

World* CurrentWorld() { return CurrentTask()->world; }
std::int64_t NowNs() { return CurrentTask()->world->NowNs(); }

__attribute__((noinline)) void RecordLookSlow(WaitKind kind, std::uint64_t object,
                                              const std::source_location& site) {
  const Task* self = CurrentTaskOrNull();
  if (self != nullptr) RecordPass(self->id, kind, object, site);
}

std::atomic<int> controlled_worlds{0};

__attribute__((noinline)) void LookSlow(const void* object) {
  Task* const self = CurrentTaskOrNull();
  if (self != nullptr && !self->plain && self->unwinding == Unwinding::kNone) {
    self->world->Look(self, object);
  }
}

__attribute__((noinline)) bool SchedulePointSlow(Task* self, WaitKind kind, const void* object,
                                                 const std::source_location& site) {
  if (self->unwinding == Unwinding::kReclaims) [[unlikely]] {
    if (kind != WaitKind::kNone) UnwindHere(self);
    return false;
  }
  NoteOp(self, kind, object, site);
  self->world->Point(self, kind, object, site);
  if (self->unwinding != Unwinding::kNone && kind != WaitKind::kNone) [[unlikely]] {
    UnwindHere(self);
    return self->unwinding != Unwinding::kReclaims;
  }
  return true;
}

bool ReleasePointSlow(Task* self, const SyncBase* object, const std::source_location& site) {
  if (self->unwinding != Unwinding::kReclaims) {
    if (!SchedulePointSlow(self, WaitKind::kNone, object, site)) return false;
    if (self->unwinding != Unwinding::kReclaims) [[likely]]
      return true;
    // Main was unwound while this task let others go first.
  }
  return !IsGone(object);
}

WakeReason ParkSlow(Task* self, void (*after)(void*), void* arg) {
  const int saved_errno = GetErrno();
  ++self->park_count;
  const bool traced = tracing.load(std::memory_order_relaxed);
  if (traced) [[unlikely]]
    RecordPark(self);
  const WakeReason reason = self->world->Park(self, after, arg);
  if (traced) [[unlikely]]
    RecordResume(self);
  SetErrno(saved_errno);
  if (reason == WakeReason::kWoken) self->wait.kind = WaitKind::kNone;
  return reason == WakeReason::kWoken ? reason : Interrupted(self, reason);
}

WakeReason Interrupted(Task* self, WakeReason reason) {
  if (reason == WakeReason::kDeadlock) {
    const DeadEndHook hook = dead_end_hook.load(std::memory_order_acquire);
    if (hook != nullptr) hook(self->world);
  }
  return reason;
}

WakeReason Park(Task* self, void (*after)(void*), void* arg) { return ParkHere(self, after, arg); }

std::int64_t WaitNowNs(const Task* self) {
  if (self->world->UsesThreads()) [[likely]]
    return self->world->TickNs();
  return self->world->NowNs();
}

void SetDeadEndHook(DeadEndHook hook) { dead_end_hook.store(hook, std::memory_order_release); }

WakeReason Park(Task* self, BiasedLock* release) {
  return ParkHere(self, release == nullptr ? nullptr : &UnlockAfterSwitch<BiasedLock>, release);
}

void NoteWake(const Task* woken) {
  const Task* waker = CurrentTaskOrNull();
  const bool by_task = waker != nullptr && !waker->world->fires_timer();
  Record(EventKind::kWake, by_task ? waker->id : 0, 0, {}, woken->id);
}

bool WakeTraced(Task* task) {
  if (task->state.load(std::memory_order_relaxed) != Task::kParked) return false;
  RecordWoken(task);  // it may park again at any moment after the next step
  if (!EndPark(task)) return false;
  NoteWake(task);
  return true;
}

bool Interrupt(Task* task, WakeReason reason, bool recorded) {
  std::uint32_t seen = task->state.load(std::memory_order_relaxed);
  const std::uint32_t bits = static_cast<std::uint32_t>(reason) << Task::kReasonShift;
  for (;;) {
    if ((seen & Task::kStateMask) != Task::kParked || (seen & Task::kWakePending)) return false;
    if (tracing.load(std::memory_order_relaxed)) [[unlikely]]
      RecordWoken(task);
    const std::uint32_t next =
        (seen & Task::kFrozen) ? (seen | Task::kWakePending | bits) : (Task::kRunnable | bits);
    // Acq_rel: the waker's writes reach the task, and the task's wait record the waker.
    if (task->state.compare_exchange_weak(seen, next, std::memory_order_acq_rel,
                                          std::memory_order_relaxed)) {
      if (!recorded && tracing.load(std::memory_order_relaxed)) [[unlikely]]
        NoteWake(task);
      if (!(seen & Task::kFrozen)) task->world->Ready(task);
      return true;
    }
  }
}

void Wake(Task* task) { WakeHere(task); }

void ThrowInterrupted(Task* self, WakeReason reason) {
  if (reason == WakeReason::kReclaim || reason == WakeReason::kGiveUp) {
    if (reason == WakeReason::kGiveUp) SetUnwinding(self, Unwinding::kGivesUp);
    self->wait.kind = WaitKind::kNone;
    throw TaskUnwound{};
  }
  const std::string waits = DescribeWaits(self->world);
  self->wait.kind = WaitKind::kNone;
  throw GlobalDeadlockError(waits);
}

}  // namespace stranded::internal
