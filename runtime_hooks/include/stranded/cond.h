// Condition variable with the meaning of Go's sync.Cond.
//
// Overview: Wait unlocks, blocks until it is signalled, and locks again; call it in a loop that
// looks at the condition. Works over anything with lock() and unlock(): Mutex, RWMutex, an
// RWMutex's RLocker(), std::mutex and the like. Thread safety: everything from any task or OS
// thread. Signal and Broadcast need not hold the lock. Invariants: a Signal after Wait has unlocked
// is not lost: Wait queues before it unlocks. Waiters are signalled first in, first out. A signal
// while nobody waits has no effect, but is counted. Errors: after a dead end Wait locks again if it
// can do so without blocking, then throws GlobalDeadlockError. If it cannot have the lock of a
// Mutex or RWMutex, the unlock that belongs to it does nothing, so that a guard's destructor is
// safe. For a foreign lock that has no try_lock() it calls lock(); if try_lock() fails, the guard
// gives up the lock that a blocked task holds. Controlled worlds: over a foreign lock, Signal and
// the beginning of Wait are no points at which another task may go first, so fewer schedules are
// tried than over a Mutex. Ownership: does not own the lock, which must live longer.
#ifndef STRANDED_RUNTIME_HOOKS_COND_H_
#define STRANDED_RUNTIME_HOOKS_COND_H_

#include <source_location>

#include "absl/base/thread_annotations.h"
#include "stranded/internal/sync_base.h"

namespace stranded {
namespace internal {

// The lock of a Cond, by type.
struct CondLockOps {
  void (*lock)(void* lock, const std::source_location& site);
  bool (*try_lock)(void* lock, const std::source_location& site);
  void (*unlock)(void* lock, const std::source_location& site);
  SyncBase* (*base)(void* lock);  // nullptr unless it is one of ours
  bool shared;                    // it is the read half of an RWMutex
};

template <class L>
concept OwnLock = requires(L& l) {
  l.sync_base();
  L::kSharedLock;
};

template <class L>
struct CondLockOf {
  static L& As(void* lock) { return *static_cast<L*>(lock); }
  static void Lock(void* lock, [[maybe_unused]] const std::source_location& site)
      ABSL_NO_THREAD_SAFETY_ANALYSIS {
    if constexpr (OwnLock<L>) {
      As(lock).Lock(site);
    } else {
      As(lock).lock();
    }
  }
  static bool TryLock(void* lock, const std::source_location& site) ABSL_NO_THREAD_SAFETY_ANALYSIS {
    if constexpr (OwnLock<L>) {
      return As(lock).TryLock(site);
    } else if constexpr (requires(L& l) { l.try_lock(); }) {
      return As(lock).try_lock();
    } else {
      Lock(lock, site);
      return true;
    }
  }
  static void Unlock(void* lock, [[maybe_unused]] const std::source_location& site)
      ABSL_NO_THREAD_SAFETY_ANALYSIS {
    if constexpr (OwnLock<L>) {
      As(lock).Unlock(site);
    } else {
      As(lock).unlock();
    }
  }
  static SyncBase* Base([[maybe_unused]] void* lock) {
    if constexpr (OwnLock<L>) {
      return As(lock).sync_base();
    } else {
      return nullptr;
    }
  }
  static constexpr bool Shared() {
    if constexpr (OwnLock<L>) {
      return L::kSharedLock;
    } else {
      return false;
    }
  }
  static constexpr CondLockOps kOps{&Lock, &TryLock, &Unlock, &Base, Shared()};
};

}  // namespace internal

class Cond {
 public:
  template <class L>
  explicit Cond(L& lock, std::source_location loc = std::source_location::current())
      : Cond(&lock, &internal::CondLockOf<L>::kOps, loc) {}
  Cond(const Cond&) = delete;
  Cond& operator=(const Cond&) = delete;
  ~Cond();

  // The lock must be held.
  void Wait(std::source_location loc = std::source_location::current());
  void Signal(std::source_location loc = std::source_location::current());
  void Broadcast(std::source_location loc = std::source_location::current());

 private:
  Cond(void* lock, const internal::CondLockOps* ops, const std::source_location& loc);
  bool Point(internal::Task* self, bool waits, const std::source_location& loc) const;
  void Send(bool all, const std::source_location& loc);

  void* const lock_;
  const internal::CondLockOps* const ops_;
  internal::SyncBase base_;
};

}  // namespace stranded

#endif  // STRANDED_RUNTIME_HOOKS_COND_H_
