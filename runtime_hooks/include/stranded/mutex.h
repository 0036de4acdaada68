// Mutex with the meaning of Go's sync.Mutex.
//
// Overview: one holder; waiters are served first in, first out, by handing the lock over. Any task
// may unlock what another one locked. Not recursive: locking twice blocks for ever, and a report
// says so. Thread safety: everything from any task or OS thread; a thread that blocks is adopted.
// Invariants: while tasks wait, somebody holds it.
// Errors: MisuseError for the unlock of an unlocked mutex. A Lock that can never succeed because
// its whole world is blocked throws GlobalDeadlockError in the main task; while another exception
// is unwinding it returns instead, and the unlock that belongs to it does nothing. Ownership: lives
// in the user's object. Do not move or copy; destroy it when nobody uses it.
#ifndef STRANDED_RUNTIME_HOOKS_MUTEX_H_
#define STRANDED_RUNTIME_HOOKS_MUTEX_H_

#include <source_location>

#include "absl/base/thread_annotations.h"
#include "stranded/internal/sync_base.h"

namespace stranded {

class ABSL_LOCKABLE Mutex {
 public:
  // Not explicit: an aggregate with a mutex in it can be made with {}.
  Mutex(std::source_location loc = std::source_location::current())  // NOLINT
      : base_(internal::SyncKind::kMutex, loc) {}
  Mutex(const Mutex&) = delete;
  Mutex& operator=(const Mutex&) = delete;
  ~Mutex();

  void Lock(std::source_location loc = std::source_location::current())
      ABSL_EXCLUSIVE_LOCK_FUNCTION();
  bool TryLock(std::source_location loc = std::source_location::current())
      ABSL_EXCLUSIVE_TRYLOCK_FUNCTION(true);
  void Unlock(std::source_location loc = std::source_location::current()) ABSL_UNLOCK_FUNCTION();

  // The names std::lock_guard and its relatives use.
  void lock(std::source_location loc = std::source_location::current())
      ABSL_EXCLUSIVE_LOCK_FUNCTION() {
    Lock(loc);
  }
  bool try_lock(std::source_location loc = std::source_location::current())
      ABSL_EXCLUSIVE_TRYLOCK_FUNCTION(true) {
    return TryLock(loc);
  }
  void unlock(std::source_location loc = std::source_location::current()) ABSL_UNLOCK_FUNCTION() {
    Unlock(loc);
  }

  // For Cond.
  internal::SyncBase* sync_base() { return &base_; }
  static constexpr bool kSharedLock = false;

 private:
  internal::SyncBase base_;
};

// Locks for the length of a block. Unlike std::lock_guard it records where the block stands.
class ABSL_SCOPED_LOCKABLE MutexLock {
 public:
  explicit MutexLock(Mutex& mutex, std::source_location loc = std::source_location::current())
      ABSL_EXCLUSIVE_LOCK_FUNCTION(mutex)
      : mutex_(mutex), site_(loc) {
    mutex_.Lock(loc);
  }
  MutexLock(const MutexLock&) = delete;
  MutexLock& operator=(const MutexLock&) = delete;
  ~MutexLock() ABSL_UNLOCK_FUNCTION() { mutex_.Unlock(site_); }

 private:
  Mutex& mutex_;
  const std::source_location site_;
};

}  // namespace stranded

#endif  // STRANDED_RUNTIME_HOOKS_MUTEX_H_
