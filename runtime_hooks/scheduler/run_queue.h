// The tasks that one worker has ready.
//
// Overview: a ring with two ends. The owner puts what it spawns or wakes on the new end and takes
// it from there; what yields goes to the old end, who gives way to those it spawned goes behind
// these, and now and then the oldest is taken, so that nobody starves behind newer ones. Others
// steal from the old end. Thread safety: Push*, Take*, Try* and SetClosed by the owner; Steal, Give
// and size() from any thread. Invariants: pinned tasks never stand here.
// Ownership: none of the tasks; the ring grows and never shrinks.
#ifndef STRANDED_RUNTIME_HOOKS_SCHEDULER_RUN_QUEUE_H_
#define STRANDED_RUNTIME_HOOKS_SCHEDULER_RUN_QUEUE_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "runtime_hooks/scheduler/owner_lock.h"

namespace stranded::internal {

struct Task;

class RunQueue {
 public:
  RunQueue();
  RunQueue(const RunQueue&) = delete;
  RunQueue& operator=(const RunQueue&) = delete;

  void PushNew(Task* task) {
    lock_.OwnerEnter();
    if (new_ - old_ == capacity_) [[unlikely]]
      Grow();
    ring_[new_++ & (capacity_ - 1)] = task;
    Leave();
  }
  void PushOld(Task* task) {
    lock_.OwnerEnter();
    if (new_ - old_ == capacity_) [[unlikely]]
      Grow();
    ring_[--old_ & (capacity_ - 1)] = task;
    Leave();
  }
  // Behind the `newer` newest ones.
  void PushBehind(std::size_t newer, Task* task) {
    lock_.OwnerEnter();
    if (new_ - old_ == capacity_) [[unlikely]]
      Grow();
    std::uint64_t at = new_++;
    for (; newer > 0 && at != old_; --newer, --at) {
      ring_[at & (capacity_ - 1)] = ring_[(at - 1) & (capacity_ - 1)];
    }
    ring_[at & (capacity_ - 1)] = task;
    Leave();
  }
  // Null when there is none.
  Task* TakeNew() {
    if (size() == 0) return nullptr;
    lock_.OwnerEnter();
    Task* task = new_ == old_ ? nullptr : ring_[--new_ & (capacity_ - 1)];
    if (new_ - old_ > kMany) [[unlikely]]
      BringNear();
    Leave();
    return task;
  }
  Task* TakeOld() {
    if (size() == 0) return nullptr;
    lock_.OwnerEnter();
    Task* task = new_ == old_ ? nullptr : ring_[old_++ & (capacity_ - 1)];
    Leave();
    return task;
  }

  // These three call nothing, so that whoever calls them last has no registers to save. False, and
  // nothing done, where there is more to do.
  bool TryPushNew(Task* task) {
    if (!lock_.OwnerTryEnter()) [[unlikely]]
      return false;
    const bool room = new_ - old_ != capacity_;
    if (room) [[likely]]
      ring_[new_++ & (capacity_ - 1)] = task;
    Leave();
    return room;
  }
  // Null: there is none, or more to do.
  Task* TryTakeNew() {
    if (size() - 1 > kMany || !lock_.OwnerTryEnter()) return nullptr;
    Task* task = new_ == old_ ? nullptr : ring_[--new_ & (capacity_ - 1)];
    Leave();
    return task;
  }
  // Runs `f` if `task` is the newest one here: then nobody else can come to it meanwhile.
  template <class F>
  bool TryIfNewest(const Task* task, F f) {
    if (size() == 0 || !lock_.OwnerTryEnter()) return false;
    const bool newest = new_ != old_ && ring_[(new_ - 1) & (capacity_ - 1)] == task;
    if (newest) f();
    lock_.OwnerLeave();
    return newest;
  }

  // The opposite of a theft: they become the oldest ones here, the first the very oldest. The owner
  // may have found the queue empty a moment ago. False, and nothing done, while it is closed.
  bool Give(Task* const* tasks, std::size_t count);
  // By the owner: it will not look at the queue for long.
  void SetClosed(bool closed) {
    lock_.OwnerEnter();
    closed_ = closed;
    lock_.OwnerLeave();
  }
  // Moves the older half (at least one, at most `most`) to `out`; returns how many.
  std::size_t Steal(Task** out, std::size_t most);

  // Relaxed: a hint, exact for the owner while nobody steals.
  std::size_t size() const { return size_.load(std::memory_order_relaxed); }

 private:
  void Leave() ABSL_UNLOCK_FUNCTION(lock_) {
    size_.store(static_cast<std::size_t>(new_ - old_), std::memory_order_relaxed);
    lock_.OwnerLeave();
  }
  void Grow() ABSL_EXCLUSIVE_LOCKS_REQUIRED(lock_);

  static constexpr std::uint64_t kMany = 16;  // so few are in the processor's cache anyway
  // Perhaps more than the caches hold: what was stolen is in none of this worker's.
  static constexpr std::uint64_t kVeryMany = 128, kTogether = 16;
  // The records of those that will be taken soon, and the stack of the next one.
  void BringNear() ABSL_EXCLUSIVE_LOCKS_REQUIRED(lock_);
  void BringMany() ABSL_EXCLUSIVE_LOCKS_REQUIRED(lock_);

  OwnerLock lock_;
  bool closed_ ABSL_GUARDED_BY(lock_) = false;
  std::atomic<std::size_t> size_{0};
  std::unique_ptr<Task*[]> ring_ ABSL_GUARDED_BY(lock_);
  std::size_t capacity_ ABSL_GUARDED_BY(lock_);
  std::uint64_t old_ ABSL_GUARDED_BY(lock_) = 0, new_ ABSL_GUARDED_BY(lock_) = 0;
  std::uint64_t fetched_at_ ABSL_GUARDED_BY(lock_) = 0;  // `new_` when many were fetched last
};

}  // namespace stranded::internal

#endif  // STRANDED_RUNTIME_HOOKS_SCHEDULER_RUN_QUEUE_H_
