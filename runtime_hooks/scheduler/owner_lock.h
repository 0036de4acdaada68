// A lock that costs its owner no locked instruction.
//
// Overview: one thread, the owner, enters all the time; others hardly ever. The owner announces
// itself by a plain store and looks whether somebody else is inside. Whoever else wants in
// announces itself, makes all running threads pass a memory barrier (membarrier), and waits until
// the owner is out. Where the kernel has no membarrier the owner's store is followed by a full
// fence. Thread safety: OwnerEnter and OwnerLeave by the owner only; the rest from any thread.
// Others exclude each other by a spin lock. Invariants: never both inside: after the barrier either
// the owner sees `other_in_`, or the other one sees `owner_in_` (Dekker). Ownership: lives in the
// object it protects.
#ifndef STRANDED_RUNTIME_HOOKS_SCHEDULER_OWNER_LOCK_H_
#define STRANDED_RUNTIME_HOOKS_SCHEDULER_OWNER_LOCK_H_

#include <atomic>

#include "runtime_hooks/scheduler/barriers.h"
#include "stranded/internal/spin_lock.h"

namespace stranded::internal {

class ABSL_LOCKABLE OwnerLock {
 public:
  void OwnerEnter() ABSL_EXCLUSIVE_LOCK_FUNCTION() {
    owner_in_.store(true, std::memory_order_relaxed);
    LightBarrier();
    // Acquire pairs with the release in Leave: what the other one did is seen.
    if (other_in_.load(std::memory_order_acquire)) [[unlikely]]
      WaitForOther();
  }
  // Release pairs with the acquire in Enter.
  void OwnerLeave() ABSL_UNLOCK_FUNCTION() { owner_in_.store(false, std::memory_order_release); }

  void Enter() ABSL_EXCLUSIVE_LOCK_FUNCTION();
  void Leave() ABSL_UNLOCK_FUNCTION();

 private:
  void WaitForOther();

  std::atomic<bool> owner_in_{false};
  std::atomic<bool> other_in_{false};
  SpinLock others_;
};

}  // namespace stranded::internal

#endif  // STRANDED_RUNTIME_HOOKS_SCHEDULER_OWNER_LOCK_H_
