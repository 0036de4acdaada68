// A task: one unit of concurrent work, and everything a report says about it.
//
// Overview: a task is a fiber (own stack, run by a world's threads) or an adopted OS thread. Its
// record lives in a slab, apart from the stack, so that a report can outlive the stack.
//
// Thread safety and states. `state` says who may touch the rest:
//   kRunnable  in a run queue of its world; nobody touches it but the queue
//   kRunning   on a thread; only that thread touches the plain fields
//   kParked    its switch is complete; the wait record and the stack hold still; whoever wins the
//              change kParked -> kRunnable (Wake, Interrupt) may queue it
//   kFinished  only the references are left
// The bit kFrozen is set by a snapshot on a parked task; a Wake that meets it leaves kWakePending
// and the snapshot queues the task when it lets go.
//
// Invariants: fields under "set at spawn" never change, but those of an adopted thread that enters
// a controlled world, and the node that a task gets when it first spawns. The wait record is
// written before the park and read only while parked and frozen (or by the task itself). `last_*`
// are relaxed atomics: any thread may read them at any time. Ownership: one reference by the world
// while it is not finished, one by each handle and joiner.
#ifndef STRANDED_RUNTIME_HOOKS_SCHEDULER_TASK_H_
#define STRANDED_RUNTIME_HOOKS_SCHEDULER_TASK_H_

#include <semaphore.h>
#include <sys/types.h>

#include <atomic>
#include <cstdint>
#include <exception>
#include <source_location>
#include <string>

#include "runtime_hooks/registry/slab.h"
#include "runtime_hooks/registry/spawn_node.h"
#include "runtime_hooks/registry/thread_block.h"
#include "runtime_hooks/scheduler/sanitizers.h"
#include "stranded/internal/spin_lock.h"
#include "stranded/internal/sync_base.h"
#include "stranded/internal/tracing.h"
#include "stranded/internal/wait_kind.h"
#include "stranded/internal/wait_queue.h"

namespace stranded::internal {

class World;
struct ContextNode;
struct ScopeNode;
struct ChanCore;
struct LeftLater;
struct SelectCase;
struct Task;
struct Stack;

enum class WakeReason : std::uint8_t {
  kWoken,
  kDeadlock,  // nothing in this world can ever run again: throw GlobalDeadlockError
  kReclaim,   // the world is being taken down: unwind
  kGiveUp,    // a virtual patch ends this wait
};

// A task that ends before its function does: see reclaim.h.
enum class Unwinding : std::uint8_t {
  kNone,
  kGivesUp,   // a virtual patch ends it; what it does in destructors counts
  kReclaims,  // its world is over: what it does in destructors is nobody's business any more
};

// What a parked task is blocked on. Objects are kept alive by the parked stack.
struct WaitRecord {
  WaitKind kind = WaitKind::kNone;
  bool range = false;  // receive of a range-for loop
  std::uint32_t case_count = 0;
  std::source_location site{};
  std::int64_t since_ns = 0;
  std::int64_t until_ns = 0;            // sleeps
  const SelectCase* cases = nullptr;    // channel operations and selects, on the parked stack
  const ChanCore* chan = nullptr;       // of a plain send or receive: that of its only case, too
  const SyncBase* sync = nullptr;       // locks, wait groups, ...
  std::uint64_t join_task = 0;          // kJoin
  ContextNode* done_context = nullptr;  // for waits that also give up when a context ends
};

// False under record=off: who did what last is not noted. Relaxed: set once, before the first task.
extern std::atomic<bool> noting __attribute__((visibility("hidden")));

struct HeldRead {
  const SyncBase* lock;
  std::source_location site;
};

struct Task {
  static constexpr CacheKind kCacheKind = CacheKind::kTask;
  static constexpr std::uint32_t kRunnable = 1, kRunning = 2, kParked = 3, kFinished = 4;
  static constexpr std::uint32_t kStateMask = 0xff, kFrozen = 0x100, kWakePending = 0x200;
  static constexpr int kReasonShift =
      16;  // the winner of kParked -> kRunnable leaves its reason here

  // --- what each operation looks at
  std::atomic<std::uint32_t> state{kRunnable};
  // Neither in a controlled world nor being unwound: operations need not ask further. Own thread.
  bool plain = false;
  Unwinding unwinding = Unwinding::kNone;  // own thread only; change it by SetUnwinding
  bool is_thread = false, daemon = false, pinned = false, is_main = false, dying = false;
  std::atomic<bool> in_blocking_region{false};
  std::atomic<bool> has_spawned{false};  // relaxed, as `group` below
  // Polls in vain and equal selects left until one of them is noted again. Own thread only.
  static constexpr std::uint32_t kSayEvery = 64;
  std::uint32_t unsaid = kSayEvery;
  pid_t os_tid = 0;  // threads
  std::uint64_t id = 0;
  World* world = nullptr;
  // Fcontext while not running. Null while a parked task of a controlled world is still on its
  // stack; then another thread's snapshot may look, so it is stored with release (ArriveFrom) and
  // loaded with acquire (UnwindParked).
  void* sp = nullptr;
  unsigned char eh_globals[16] = {};  // __cxa_get_globals: caught and uncaught exceptions

  // --- last operation on a shared object that did not block; any thread may read
  std::atomic<WaitKind> last_kind{WaitKind::kNone};
  std::atomic<bool> select_done{false};                       // one winner among a select's wakers
  const bool notes = noting.load(std::memory_order_relaxed);  // whether these are kept
  std::uint32_t gave_up = 0;                                  // waits that virtual patches ended
  std::atomic<const void*> last_object{nullptr};
  std::atomic<std::source_location> last_site{};

  WaitRecord wait;
  std::uint64_t park_count = 0;
  // The channel of its last send that went through, the low half of its id; its own, or under that
  // channel's lock. And what it selected among last, hashed; its own.
  std::uint32_t last_sent = 0, last_among = 0;
  std::uint64_t last_select = 0;  // what its last select chose, hashed; own thread only
  // See select/left_later.h. Its own thread's, or a snapshot's that holds it still; the pointer is
  // looked at by any thread, relaxed.
  std::atomic<LeftLater*> left_later{nullptr};
  Waiter* wake_waiter = nullptr;  // select: whose case won; under that object's lock

  // --- finish. Handle count and flags in one word, so that a task whose handles are gone needs no
  // lock to finish. The handles together own the record once kGone is set.
  static constexpr std::uint32_t kEnded = 1;    // its function is over
  static constexpr std::uint32_t kGone = 2;     // its stack is given back
  static constexpr std::uint32_t kJoined = 4;   // somebody may stand in `joiners`
  static constexpr std::uint32_t kFailed = 8;   // `error` was left for the handles
  static constexpr std::uint32_t kHandle = 16;  // one handle
  std::atomic<std::uint32_t> end{0};
  SpinLock finish_lock;
  std::exception_ptr error;  // guarded by finish_lock
  WaitQueue joiners;         // guarded by finish_lock

  // --- set at spawn
  std::atomic<std::uint64_t> world_id{0};  // relaxed: its world may be gone when the task is
  Origin origin;                           // it has the name, too
  ContextNode* context = nullptr;          // one reference
  ScopeNode* scope = nullptr;              // it counts in this one
  ScopeNode* spawn_scope = nullptr;        // what it spawns counts here; own thread only
  std::int64_t created_ns = 0;
  // Id of the WaitGroup or ErrGroup whose Go() started it, until it calls Done() of that. Relaxed:
  // written by itself, read by snapshots.
  std::atomic<std::uint64_t> group{0};
  void* record = nullptr;  // in the mapped file of a trace: recorder/state_table.h

  // --- the stack
  Stack* stack = nullptr;  // fibers
#if defined(STRANDED_ASAN) || defined(STRANDED_TSAN)
  void* tsan_fiber = nullptr;
  void* asan_fake_stack = nullptr;
  const void* stack_low = nullptr;  // of threads, too
  std::size_t stack_bytes = 0;
#endif
  // What a fiber runs, set at spawn; and how a thread sleeps.
  struct Function {
    void (*run)(void*);
    void (*destroy)(void*);
    void* closure;
  };
  union {
    Function function{};  // fibers
    sem_t thread_wake;    // threads: posted once by each Ready, taken once by each Park
  };

  // --- the queue it stands in: owned by the world
  std::int32_t pinned_worker = -1;
  int held_count = 0;           // see below
  std::uint64_t queue_seq = 0;  // controlled worlds: since when it is ready
  std::uint32_t ordinal = 0;    // controlled worlds: the how-manyth task, main is 0
  std::uint32_t decisions = 0;  // controlled worlds: taken at its points so far

  // --- read locks it holds; written by itself, read while parked
  static constexpr int kHeldMax = 4;  // if more, the lock says readers_uncertain
  HeldRead held[kHeldMax];            // the first held_count are set

  std::string_view name() const { return origin.Name(); }
};

extern Slab<Task> task_slab __attribute__((visibility("hidden")));
inline Slab<Task>& TaskSlab() { return task_slab; }
inline void RefTask(Task* t) { Slab<Task>::Ref(t); }
void UnrefTask(Task* t);

// The running task, or nullptr when the thread never used the runtime.
inline Task* CurrentTaskOrNull() { return TaskHere(); }
// Ids are taken in batches, one for each thread: a common counter costs as much as a lock.
void TakeTaskIds(ThreadBlock* here);
inline std::uint64_t NewTaskId() {
  ThreadBlock* here = Here();
  if (here->task_ids_left == 0) [[unlikely]]
    TakeTaskIds(here);
  --here->task_ids_left;
  return here->next_task_id++;
}
// Makes a task of the calling OS thread.
Task* AdoptThread();
// The running task; adopts the calling OS thread when it has none. Never null.
inline Task* CurrentTask() {
  Task* task = CurrentTaskOrNull();
  return task != nullptr ? task : AdoptThread();
}
// Whether operations of `task` are plain ones depends on its world and on this.
void SetUnwinding(Task* task, Unwinding unwinding);
void SetWorld(Task* task, World* world);

// A look that found a wait for `object` over. Not of threads that are no tasks: a look adopts
// nobody.
void RecordLookSlow(WaitKind kind, std::uint64_t object, const std::source_location& site);
inline void RecordLook(WaitKind kind, std::uint64_t object, const std::source_location& site) {
  if (tracing.load(std::memory_order_relaxed)) [[unlikely]]
    RecordLookSlow(kind, object, site);
}

// Before a look at `object` that waits for nothing: Err(), Now(), the length of a channel. In a
// controlled world it takes a step, so that whoever looks again and again lets others go on, and
// time. Nobody else runs at the first thousand in a row: a foreign lock may be held.
extern std::atomic<int> controlled_worlds;  // that somebody is in; relaxed: one's own is counted
void LookSlow(const void* object);
inline void Look(const void* object) {
  if (controlled_worlds.load(std::memory_order_relaxed) != 0) [[unlikely]]
    LookSlow(object);
}

// Notes the last operation of `self` for reports. With Task::notes. Transfers in a recorded run
// leave out what the first of them has noted (send_recv.cc): whoever notes something else ends the
// run, by an event right after it, by NoteOp(), or where it leaves without either.
inline void NoteOpHere(Task* self, WaitKind kind, const void* object,
                       const std::source_location& site) {
  self->last_kind.store(kind, std::memory_order_relaxed);
  self->last_object.store(object, std::memory_order_relaxed);
  self->last_site.store(site, std::memory_order_relaxed);
}
inline void NoteOp(Task* self, WaitKind kind, const void* object,
                   const std::source_location& site) {
  if (!self->notes) [[unlikely]]
    return;
  Here()->EndRecordedRun();
  NoteOpHere(self, kind, object, site);
}

bool SchedulePointSlow(Task* self, WaitKind kind, const void* object,
                       const std::source_location& site);

// What thefts are judged by (pool_thefts.cc): not what only looks and finds nothing.
inline void CountOp() { ++Here()->ops; }

// A place where the controlled scheduler may run another task first. Free elsewhere. False when the
// task is being reclaimed: then the operation does nothing and returns whatever ends it soonest.
[[nodiscard]] inline bool SchedulePoint(Task* self, WaitKind kind, const void* object,
                                        const std::source_location& site, bool counts = true) {
  if (!self->plain) [[unlikely]]
    return SchedulePointSlow(self, kind, object, site);
  if (counts) CountOp();
  NoteOp(self, kind, object, site);
  return true;
}
// The same for what lets others go on (unlock, Done, Signal): it also works for a task that is
// being reclaimed, unless the object is gone.
bool ReleasePointSlow(Task* self, const SyncBase* object, const std::source_location& site);
[[nodiscard]] inline bool ReleasePoint(Task* self, const SyncBase* object,
                                       const std::source_location& site) {
  if (!self->plain) [[unlikely]]
    return ReleasePointSlow(self, object, site);
  CountOp();
  NoteOp(self, WaitKind::kNone, object, site);
  return true;
}

// The time for a wait record: exact in a controlled world, else that of the kernel's last tick.
std::int64_t WaitNowNs(const Task* self);

// Begins the wait record of `self`: what is left unsaid is nothing.
inline void BeginWait(Task* self, WaitKind kind, const std::source_location& site,
                      std::int64_t now_ns) {
  WaitRecord& w = self->wait;
  w.kind = kind;
  w.range = false;
  w.site = site;
  w.since_ns = now_ns;
  w.until_ns = 0;
  w.cases = nullptr;
  w.chan = nullptr;
  w.case_count = 0;
  w.sync = nullptr;
  w.join_task = 0;
  w.done_context = nullptr;
}

// Blocks `self` (the running task, wait record filled). `release`, if not null, is a held lock; it
// is released after the switch, so that nobody can wake a task that has not parked completely.
// The caller may use this shape only:
//   lock; queue a Waiter; WakeReason r = Park(self, &lock);
//   if (r != kWoken) { lock; if (waiter.queued) { remove; unlock; ThrowInterrupted(self, r); } ...
//   }
WakeReason Park(Task* self, BiasedLock* release);
// The same with any action in place of an unlock (select: several locks).
WakeReason Park(Task* self, void (*after_switch)(void*), void* arg);

// Makes a parked task ready. Call it while holding the lock of the object it waited for, after
// removing its Waiter: an interrupted task can then not run past that object and park elsewhere
// before a late Wake arrives. From any thread. No effect if it was interrupted meanwhile.
void Wake(Task* task);
// The same with another reason. True if the task was parked. `recorded`: the wake is, already.
bool Interrupt(Task* task, WakeReason reason, bool recorded = false);

// Called in the main task of a world that has come to a dead end, before it throws: everything is
// still parked as it was, and main's own wait record is still filled. For the detector.
using DeadEndHook = void (*)(World* world);
void SetDeadEndHook(DeadEndHook hook);

// errno belongs to the thread, and a task may go on on another one.
int GetErrno();
void SetErrno(int value);

// An exception left a task and nobody can collect it: says so and ends the process.
[[noreturn]] void DieOfException(const Task* task, const std::exception_ptr& error);
// The first line of what it says.
std::string DescribeException(const Task* task, const std::exception_ptr& error);
[[noreturn]] void ThrowInterrupted(Task* self, WakeReason reason);
// One line for each blocked task of the world: who, on what, where.
std::string DescribeWaits(World* world);

// Time on the clock of the running task's world.
std::int64_t NowNs();

}  // namespace stranded::internal

#endif  // STRANDED_RUNTIME_HOOKS_SCHEDULER_TASK_H_
