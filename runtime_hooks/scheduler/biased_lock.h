// The bodies of BiasedLock: see stranded/internal/biased_lock.h.
//
// Overview, thread safety, invariants, ownership: there. In a header, because each operation on a
// channel or a mutex runs through here.
#ifndef STRANDED_RUNTIME_HOOKS_SCHEDULER_BIASED_LOCK_H_
#define STRANDED_RUNTIME_HOOKS_SCHEDULER_BIASED_LOCK_H_

#include "runtime_hooks/registry/thread_block.h"
#include "runtime_hooks/scheduler/barriers.h"
#include "stranded/internal/biased_lock.h"

namespace stranded::internal {

// Of the calling thread: from 1 on, in the order in which they first need one. Those after the
// 254th share the last one.
std::uint8_t NumberOfThread();

// `me` is what `bias_` is while the owner is the one whose word is `mine`.
__attribute__((always_inline)) inline bool BiasedLock::EnterAsOwner(std::atomic<Owner>& mine,
                                                                    std::uintptr_t me) {
  if (bias_.load(std::memory_order_relaxed) != me) [[unlikely]]
    return false;
  // Acquire pairs with the release in Unlock: of a thread, perhaps, that has ended and whose block
  // this one has now.
  (void)mine.load(std::memory_order_acquire);
  mine.store(kComing, std::memory_order_relaxed);
  // A full barrier here would be needed against Revoke(); its membarrier stands in for it. No bias
  // is granted where the kernel has none.
  std::atomic_signal_fence(std::memory_order_seq_cst);
  // Acquire: what the lock guards is not touched before this look.
  if (bias_.load(std::memory_order_acquire) == me) [[likely]] {
    mine.store(kInside, std::memory_order_relaxed);
    return true;
  }
  mine.store(kOut, std::memory_order_release);
  return false;
}

__attribute__((always_inline)) inline bool BiasedLock::TryAsFirst(const ThreadBlock* mine)
    ABSL_NO_THREAD_SAFETY_ANALYSIS {
  return EnterAsOwner(first_, reinterpret_cast<std::uintptr_t>(mine));
}

__attribute__((always_inline)) inline void BiasedLock::UnlockAsFirst()
    ABSL_NO_THREAD_SAFETY_ANALYSIS {
  // Release pairs with the acquire in Revoke.
  first_.store(kOut, std::memory_order_release);
}

__attribute__((always_inline)) inline void BiasedLock::Lock() ABSL_NO_THREAD_SAFETY_ANALYSIS {
  const auto me = reinterpret_cast<std::uintptr_t>(Here());
  if (EnterAsOwner(first_, me)) [[likely]]
    return;
  LockOtherwise();
}

__attribute__((always_inline)) inline void BiasedLock::Unlock() ABSL_NO_THREAD_SAFETY_ANALYSIS {
  // Only the owner ever sees kInside here; while others hold the lock it is kOut or kComing.
  if (first_.load(std::memory_order_relaxed) == kInside) [[likely]]
    return UnlockAsFirst();
  UnlockOtherwise();
}

}  // namespace stranded::internal

#endif  // STRANDED_RUNTIME_HOOKS_SCHEDULER_BIASED_LOCK_H_
