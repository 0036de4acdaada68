// A small lock for the few instructions that change one object's queues.
//
// Overview: test-and-test-and-set with a pause, then a yield of the OS thread. Never held across a
// task switch by its taker: a parking task hands it to the switch, which releases it afterwards.
// Thread safety: any thread. Not recursive.
// Invariants: whoever holds it neither allocates nor calls user code, except element moves.
// Ownership: lives inside the object it protects.
#ifndef STRANDED_RUNTIME_HOOKS_INTERNAL_SPIN_LOCK_H_
#define STRANDED_RUNTIME_HOOKS_INTERNAL_SPIN_LOCK_H_

#include <sched.h>

#include <atomic>

#include "absl/base/thread_annotations.h"

namespace stranded::internal {

class ABSL_LOCKABLE SpinLock {
 public:
  constexpr SpinLock() = default;
  SpinLock(const SpinLock&) = delete;
  SpinLock& operator=(const SpinLock&) = delete;

  void Lock() ABSL_EXCLUSIVE_LOCK_FUNCTION() {
    // Acquire pairs with the release in Unlock().
    if (!held_.exchange(true, std::memory_order_acquire)) return;
    LockSlow();
  }
  bool TryLock() ABSL_EXCLUSIVE_TRYLOCK_FUNCTION(true) {
    return !held_.load(std::memory_order_relaxed) &&
           !held_.exchange(true, std::memory_order_acquire);
  }
  void Unlock() ABSL_UNLOCK_FUNCTION() { held_.store(false, std::memory_order_release); }

 private:
  void LockSlow() {
    for (int spins = 0;; ++spins) {
      if (!held_.load(std::memory_order_relaxed) &&
          !held_.exchange(true, std::memory_order_acquire)) {
        return;
      }
      if (spins > 64) {
        sched_yield();
      } else {
        Pause();
      }
    }
  }
  static void Pause() {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    asm volatile("yield");
#endif
  }
  std::atomic<bool> held_{false};
};

// Holds a lock, of this kind or another, while it lives.
template <class Lock>
class ABSL_SCOPED_LOCKABLE SpinGuard {
 public:
  explicit SpinGuard(Lock& lock) ABSL_EXCLUSIVE_LOCK_FUNCTION(lock) : lock_(lock) { lock_.Lock(); }
  ~SpinGuard() ABSL_UNLOCK_FUNCTION() { lock_.Unlock(); }
  SpinGuard(const SpinGuard&) = delete;
  SpinGuard& operator=(const SpinGuard&) = delete;

 private:
  Lock& lock_;
};

}  // namespace stranded::internal

#endif  // STRANDED_RUNTIME_HOOKS_INTERNAL_SPIN_LOCK_H_
