// RWMutex with the meaning of Go's sync.RWMutex.
//
// Overview: many readers or one writer. A waiting writer stops new readers, so that it gets its
// turn; when it unlocks, the readers that waited go next, then the next writer, first in, first
// out. Thread safety: everything from any task or OS thread; any task may unlock what another one
// locked. Invariants: with no holder and no readers, nobody waits. A task that read-locks twice can
// block for ever when a writer comes between: as in Go, do not read-lock recursively. Errors:
// MisuseError for the unlock of what is not locked. After a dead end: see mutex.h. Ownership: lives
// in the user's object; RLocker() lives as long as its RWMutex.
#ifndef STRANDED_RUNTIME_HOOKS_RW_MUTEX_H_
#define STRANDED_RUNTIME_HOOKS_RW_MUTEX_H_

#include <source_location>

#include "absl/base/thread_annotations.h"
#include "stranded/internal/sync_base.h"

namespace stranded {

class RWMutex;

// The read half of an RWMutex as a lock of its own.
class ABSL_LOCKABLE ReadLocker {
 public:
  explicit ReadLocker(RWMutex& mutex) : mutex_(&mutex) {}
  void Lock(std::source_location loc = std::source_location::current())
      ABSL_EXCLUSIVE_LOCK_FUNCTION();
  bool TryLock(std::source_location loc = std::source_location::current())
      ABSL_EXCLUSIVE_TRYLOCK_FUNCTION(true);
  void Unlock(std::source_location loc = std::source_location::current()) ABSL_UNLOCK_FUNCTION();
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
  internal::SyncBase* sync_base();
  static constexpr bool kSharedLock = true;

 private:
  RWMutex* mutex_;
};

class ABSL_LOCKABLE RWMutex {
 public:
  // Not explicit: an aggregate with a mutex in it can be made with {}.
  RWMutex(std::source_location loc = std::source_location::current())  // NOLINT
      : base_(internal::SyncKind::kRwMutex, loc) {}
  RWMutex(const RWMutex&) = delete;
  RWMutex& operator=(const RWMutex&) = delete;
  ~RWMutex();

  void Lock(std::source_location loc = std::source_location::current())
      ABSL_EXCLUSIVE_LOCK_FUNCTION();
  bool TryLock(std::source_location loc = std::source_location::current())
      ABSL_EXCLUSIVE_TRYLOCK_FUNCTION(true);
  void Unlock(std::source_location loc = std::source_location::current()) ABSL_UNLOCK_FUNCTION();

  void RLock(std::source_location loc = std::source_location::current())
      ABSL_SHARED_LOCK_FUNCTION();
  bool TryRLock(std::source_location loc = std::source_location::current())
      ABSL_SHARED_TRYLOCK_FUNCTION(true);
  void RUnlock(std::source_location loc = std::source_location::current()) ABSL_UNLOCK_FUNCTION();

  ReadLocker& RLocker() { return read_locker_; }

  // The names std::unique_lock and std::shared_lock use.
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
  void lock_shared(std::source_location loc = std::source_location::current())
      ABSL_SHARED_LOCK_FUNCTION() {
    RLock(loc);
  }
  bool try_lock_shared(std::source_location loc = std::source_location::current())
      ABSL_SHARED_TRYLOCK_FUNCTION(true) {
    return TryRLock(loc);
  }
  void unlock_shared(std::source_location loc = std::source_location::current())
      ABSL_UNLOCK_FUNCTION() {
    RUnlock(loc);
  }

  // For Cond.
  internal::SyncBase* sync_base() { return &base_; }
  static constexpr bool kSharedLock = false;

 private:
  friend class ReadLocker;
  void LeftQueue();

  internal::SyncBase base_;
  ReadLocker read_locker_{*this};
};

inline internal::SyncBase* ReadLocker::sync_base() { return mutex_->sync_base(); }

// Locks for writing, and for reading, for the length of a block; they record where the block
// stands.
class ABSL_SCOPED_LOCKABLE WriterLock {
 public:
  explicit WriterLock(RWMutex& mutex, std::source_location loc = std::source_location::current())
      ABSL_EXCLUSIVE_LOCK_FUNCTION(mutex)
      : mutex_(mutex), site_(loc) {
    mutex_.Lock(loc);
  }
  WriterLock(const WriterLock&) = delete;
  WriterLock& operator=(const WriterLock&) = delete;
  ~WriterLock() ABSL_UNLOCK_FUNCTION() { mutex_.Unlock(site_); }

 private:
  RWMutex& mutex_;
  const std::source_location site_;
};

class ABSL_SCOPED_LOCKABLE ReaderLock {
 public:
  explicit ReaderLock(RWMutex& mutex, std::source_location loc = std::source_location::current())
      ABSL_SHARED_LOCK_FUNCTION(mutex)
      : mutex_(mutex), site_(loc) {
    mutex_.RLock(loc);
  }
  ReaderLock(const ReaderLock&) = delete;
  ReaderLock& operator=(const ReaderLock&) = delete;
  ~ReaderLock() ABSL_UNLOCK_FUNCTION() { mutex_.RUnlock(site_); }

 private:
  RWMutex& mutex_;
  const std::source_location site_;
};

}  // namespace stranded

#endif  // STRANDED_RUNTIME_HOOKS_RW_MUTEX_H_
