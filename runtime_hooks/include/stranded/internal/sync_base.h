// What every lock, wait group, condition, once and semaphore records about itself.
//
// Overview: the objects of sync.h embed one SyncBase. They live in the user's own memory, so no
// list of them is kept: a snapshot finds them through the tasks that wait for them or hold them.
// Thread safety: `id`, `kind` and `site` are set once; all else is guarded by `lock`, but for
// `last_done` and what `credit` points to.
// Invariants: `holder` is 0 exactly while nobody holds the object for writing.
// Ownership: part of the user's object. A snapshot reads it only while a frozen task waits for it.
#ifndef STRANDED_RUNTIME_HOOKS_INTERNAL_SYNC_BASE_H_
#define STRANDED_RUNTIME_HOOKS_INTERNAL_SYNC_BASE_H_

#include <atomic>
#include <cstdint>
#include <source_location>

#include "stranded/internal/biased_lock.h"
#include "stranded/internal/wait_queue.h"

namespace stranded::internal {

struct CountCredit;

// Append only: the numbers are those of SyncKind in the dump format.
enum class SyncKind : std::uint8_t {
  kUnknown = 0,
  kMutex = 1,
  kRwMutex = 2,
  kWaitGroup = 3,
  kCond = 4,
  kOnce = 5,
  kSemaphore = 6,
};

// Append only: the numbers are those of SyncRole in the dump format.
enum class SyncRole : std::uint8_t {
  kUser = 0,
  kErrGroup = 1,  // the count or the limit of an ErrGroup
};

// Who did something last, and where. Without a clock: operations are too frequent for one.
struct SyncPeer {
  std::uint64_t task = 0;
  std::source_location site{};
};

// The same, noted also without the lock: of two that come at once it may tell the task of one and
// the place of the other. Relaxed: nothing hangs on it.
class LooseSyncPeer {
 public:
  LooseSyncPeer& operator=(const SyncPeer& peer) {
    task_.store(peer.task, std::memory_order_relaxed);
    site_.store(peer.site, std::memory_order_relaxed);
    return *this;
  }
  operator SyncPeer() const {  // NOLINT(google-explicit-constructor): it is one
    return {task_.load(std::memory_order_relaxed), site_.load(std::memory_order_relaxed)};
  }

 private:
  std::atomic<std::uint64_t> task_{0};
  std::atomic<std::source_location> site_{std::source_location{}};
};

struct SyncBase {
  SyncBase(SyncKind kind_of, const std::source_location& made_at);
  SyncBase(const SyncBase&) = delete;
  SyncBase& operator=(const SyncBase&) = delete;

  // --- guarded by lock. What most operations touch comes first: between two processors it moves
  // line by line of the cache.
  mutable BiasedLock lock;
  // WaitGroup: count but for `credit`; Semaphore: free units; Cond: left waiting by the last signal
  std::int64_t counter = 0;
  LooseSyncPeer last_done;                    // WaitGroup Done, Semaphore Release, Mutex Unlock
  std::atomic<CountCredit*> credit{nullptr};  // WaitGroup: see count_credit.h
  mutable void* record = nullptr;             // in the mapped file of a trace
  std::uint64_t holder = 0;  // Mutex, RWMutex (writer), Once (who runs it): task id
  std::source_location holder_site{};
  WaitQueue waiters;
  SyncPeer last_add;               // WaitGroup Add, Semaphore Acquire
  std::uint32_t readers = 0;       // RWMutex
  bool taker_keeps = false;        // Semaphore: the task of last_add has not released since
  bool readers_uncertain = false;  // a read lock was released by another task than took it
  std::int64_t limit = 0;          // Semaphore: units in all
  SyncPeer last_signal;            // Cond
  std::uint64_t signals = 0;
  std::uint64_t lost_signals = 0;  // Cond: sent while nobody waited
  std::uint64_t cond_lock = 0;     // Cond: id of its lock if it is one of ours, else 0
  // --- set once
  const std::uint64_t id;
  const SyncKind kind;
  const std::source_location site;
  SyncRole role = SyncRole::kUser;  // before anybody else knows the object
};

}  // namespace stranded::internal

#endif  // STRANDED_RUNTIME_HOOKS_INTERNAL_SYNC_BASE_H_
