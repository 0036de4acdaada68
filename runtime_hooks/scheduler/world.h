// A world: tasks that run on the same threads and the same clock.
//
// Overview: everything above parks and wakes through Park() and Wake() in task.h; the world decides
// who runs, and what time it is. Two kinds: PoolWorld (worker threads, real time) and
// ControlledWorld (one thread, seeded choices, virtual time).
// Thread safety: Ready, AddTimer, RemoveTimer and NowNs from any thread; Park, Yield, Point and
// Look only by the running task itself; fires_timer() by its thread.
// Invariants: a task is in at most one run queue. An armed timer fires exactly once unless
// RemoveTimer returned true.
// Ownership: a world owns one reference of each unfinished task in it.
#ifndef STRANDED_RUNTIME_HOOKS_SCHEDULER_WORLD_H_
#define STRANDED_RUNTIME_HOOKS_SCHEDULER_WORLD_H_

#include <time.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <source_location>
#include <string>
#include <thread>
#include <vector>

#include "runtime_hooks/scheduler/biased_lock.h"
#include "runtime_hooks/scheduler/task.h"

namespace stranded::internal {

enum class TimerKind : std::uint8_t { kUnknown, kSleep, kContext, kChannel, kFunc };

// A moment `delay_ns` (>= 0) after `now_ns`; for ever stays for ever.
inline std::int64_t LaterBy(std::int64_t now_ns, std::int64_t delay_ns) {
  std::int64_t later = 0;
  return __builtin_add_overflow(now_ns, delay_ns, &later) ? INT64_MAX : later;
}

// One pending moment. An armed timer holds a reference on its owner: whoever gets true from
// RemoveTimer gives it back, otherwise `fire` does. `fire` runs outside the world's locks and must
// not block.
struct TimerEntry {
  std::int64_t due_ns = 0;
  TimerKind kind = TimerKind::kUnknown;
  void (*fire)(TimerEntry*) = nullptr;
  void (*drop)(TimerEntry*) = nullptr;  // instead of `fire`, when its world ends; may be null
  // False while nobody waits for it: then it wakes nobody. Null: always noticed. Under the timer
  // lock.
  bool (*noticed)(const TimerEntry&) = nullptr;
  void* owner = nullptr;
  std::uint64_t object_id = 0;  // task, context or channel, for the dump
  std::int64_t period_ns = 0;
  std::source_location site{};
  World* world = nullptr;  // set by AddTimer
  std::uint64_t seq = 0;   // order among equal due times
  std::size_t heap_index = 0;
  bool armed = false;  // guarded by the world's timer lock
  bool vain = false;   // armed again by a tick that woke nobody; set before AddTimer

  // Else it moves nothing: a tick that nobody waits for, the end of an endless sleep.
  bool MovesSomething() const {
    return due_ns != INT64_MAX && (noticed == nullptr || noticed(*this));
  }
};

// Min-heap of timers with removal. Guarded by its world's timer lock.
class TimerHeap {
 public:
  bool empty() const { return heap_.empty(); }
  std::size_t size() const { return heap_.size(); }
  TimerEntry* top() const { return heap_.front(); }
  // No room for one more: Push would allocate. Under a spin lock the caller makes room first, with
  // a vector that it has reserved outside of the lock.
  bool full() const { return heap_.size() == heap_.capacity(); }
  void MoveTo(std::vector<TimerEntry*>& larger);
  void Push(TimerEntry* t);
  void Remove(TimerEntry* t);
  const std::vector<TimerEntry*>& entries() const { return heap_; }
  std::uint64_t pushed() const { return next_seq_; }
  std::uint64_t moves() const { return moves_; }  // but for vain ones

 private:
  bool Before(const TimerEntry* a, const TimerEntry* b) const {
    return a->due_ns != b->due_ns ? a->due_ns < b->due_ns : a->seq < b->seq;
  }
  void Up(std::size_t i);
  void Down(std::size_t i);
  void Place(std::size_t i, TimerEntry* t) {
    heap_[i] = t;
    t->heap_index = i;
  }
  std::vector<TimerEntry*> heap_;
  std::uint64_t next_seq_ = 0, moves_ = 0;
};

struct WorldFacts {
  bool controlled = false, quiet = false, deadlock = false;
  bool steady = false;      // pools: nothing went anywhere while this was read
  std::uint64_t moves = 0;  // pools: so far
  std::uint64_t seed = 0, steps = 0, main_task = 0;
  std::uint32_t runnable = 0, running = 0, timers = 0, external = 0, workers = 0;
  std::uint32_t in_region = 0;   // pools: of `external`, tasks in a BlockingRegion
  std::uint64_t given_back = 0;  // tasks, by thieves
  std::string policy, name;
};

class World {
 public:
  explicit World(std::string name);
  World(const World&) = delete;
  World& operator=(const World&) = delete;
  virtual ~World() = default;

  std::uint64_t id() const { return id_; }
  const std::string& name() const { return name_; }

  // A new task of this world, before anybody else sees it.
  virtual void Adopt(Task*) {}
  // True if an exception that left `self` is to be noted instead of ending the process.
  virtual bool Survives(Task* /*self*/, const std::exception_ptr& /*error*/) { return false; }
  // Queues a task that has just become runnable (its state is already kRunnable).
  virtual void Ready(Task* task) = 0;
  // Its first Ready. `spawner` is the running task, or null; it may have to give way to what it
  // spawned.
  virtual void Start(Task* task, Task* /*spawner*/) { Ready(task); }
  bool UsesThreads() const { return uses_threads_; }
  // Its workers are gone, or its thread has left it: nothing new can run here. The record stays.
  virtual bool Stopped() const { return false; }
  virtual WakeReason Park(Task* self, void (*after_switch)(void*), void* arg) = 0;
  virtual void Yield(Task* self) = 0;
  virtual void Point(Task*, WaitKind, const void*, const std::source_location&) {}
  // The same where no other task may run: a foreign lock may be held. False after many in a row.
  virtual bool SkipPoint(Task*, WaitKind, const void*, const std::source_location&) {
    return false;
  }
  // See Look() in task.h.
  virtual void Look(Task*, const void*) {}
  // A number in [0, n); under the controlled scheduler an explored choice.
  virtual std::size_t Choose(std::size_t n) = 0;
  virtual void FinishFiber(Task* self) = 0;  // does not return; called on the task's stack

  virtual std::int64_t NowNs() = 0;
  // The time of the last park or timer: for facts that are not worth a look at the clock.
  std::int64_t coarse_ns() const { return coarse_ns_.load(std::memory_order_relaxed); }
  // The wall clock as of the kernel's last tick, or of a later look at it: a fraction of the cost
  // of one. It does not go back to the tick after a look, or what a task has done would be told to
  // have happened after its next wait.
  std::int64_t TickNs() {
    timespec now;
    clock_gettime(CLOCK_REALTIME_COARSE, &now);
    return NoteTime(now.tv_sec * std::int64_t{1000000000} + now.tv_nsec);
  }
  virtual void AddTimer(TimerEntry* timer) = 0;
  virtual bool RemoveTimer(TimerEntry* timer) = 0;
  virtual void ForEachTimer(void (*f)(const TimerEntry&, void*), void* arg) = 0;
  // A timer's function runs on the calling thread, which belongs to this world: whatever it does,
  // the task that ran there last does not.
  bool fires_timer() const { return fires_timer_; }
  virtual WorldFacts Facts() = 0;
  // A try-operation found nothing: time may have to move before polling can succeed.
  virtual void Fruitless(Task*) {}
  virtual void EnterBlocking(Task* self) = 0;
  virtual void LeaveBlocking(Task* self) = 0;

  // Threads that are about to start a task here and that it must not go before: see PinWorld().
  void Unpin() { pins_.fetch_sub(1, std::memory_order_release); }
  bool pinned() const { return pins_.load(std::memory_order_acquire) != 0; }

 protected:
  // All workers look at it all the time, so it is written when it moves: on, or far back if
  // somebody sets the clock. Relaxed, and without a locked instruction: nothing else is read by it,
  // and of two threads that write at once the earlier time may stay, for a tick at most. Returns
  // what it is then.
  std::int64_t NoteTime(std::int64_t ns) {
    constexpr std::int64_t kLongestTickNs = 50'000'000;
    const std::int64_t seen = coarse_ns();
    if (ns <= seen && ns >= seen - kLongestTickNs) [[likely]]
      return seen;
    coarse_ns_.store(ns, std::memory_order_relaxed);
    return ns;
  }

  std::atomic<std::int64_t> coarse_ns_{0};
  bool uses_threads_ = false;  // set once
  bool fires_timer_ = false;   // of the one thread of a controlled world

 private:
  friend World* PinWorld(std::uint64_t id);
  // Raised under the lock of the list of worlds, which a world leaves before it looks at this.
  // Release in Unpin(), acquire in pinned(): what the thread did here was before.
  std::atomic<int> pins_{0};
  const std::uint64_t id_;
  const std::string name_;
};

// Threads that the runtime started itself, and threads adopted as tasks; what the process has
// beyond these may wake a task at any time, for all we know.
extern std::atomic<int> runtime_threads;
extern std::atomic<int> adopted_threads;
// The tasks of adopted threads stand in a list: a walk over all tasks is long. Calls f under its
// lock.
void NoteAdopted(Task* task);
void ForgetAdopted(Task* task);
void ForEachAdopted(void (*f)(Task* task, void* arg), void* arg);
// Counts it before it is there, until its body has returned: one that is there and not counted
// would look like one of the program's. Throws what std::thread does.
std::thread StartRuntimeThread(std::function<void()> body);
// The same, detached and without signals: those go to the program's own threads.
void StartServiceThread(std::function<void()> body);
// Set in the child of a fork: the worker threads are not there, so no task can run.
extern std::atomic<bool> forked_child;

// The threads that the runtime did not start, by the kernel's numbers, sorted. One of its own
// may be among them for the moment in which it starts or ends.
std::vector<int> ForeignThreads();
// The same for one who asks again and again: the list is read anew when there are more threads than
// at the last time, or fewer. One may have ended and another begun since, which the list lacks:
// whoever sees that says so, for the next time.
std::vector<int> ForeignThreadsOfLate();
void ForgetForeignThreads();
// False: the caller, who is none of the runtime's, is the only one. Cheaper than the list.
bool MayHaveCompany();
// How many are neither the runtime's nor adopted.
int UnknownThreads();

World* CurrentWorld();
// All worlds alive, under the registry's lock.
void ForEachWorld(void (*f)(World*, void*), void* arg);
// The one with this id, or the default pool when it is gone: for what outlives the world it was
// made in and may yet start a task. It stays until Unpin().
World* PinWorld(std::uint64_t id);
// Of all that there are, sorted.
std::vector<std::uint64_t> WorldIds(bool pools_only = false);
// Sorted. To look up a task by world_id: the world of one that has finished may be gone.
std::vector<std::uint64_t> PoolIds();
void RegisterWorld(World* world);
void UnregisterWorld(World* world);
// Around a fork: a thread that held the lock of the list, or of a slab, would not be there in the
// child to release it.
void LockRegistry();
void UnlockRegistry();

}  // namespace stranded::internal

#endif  // STRANDED_RUNTIME_HOOKS_SCHEDULER_WORLD_H_
