// A lock that costs its owner no locked instruction.
//
// Overview: one thread, the owner, enters all the time; others hardly ever. The owner announces
// itself by a plain store and looks whether somebody else is inside. Whoever else wants in
// announces itself, makes all running threads pass a memory barrier (membarrier), and waits until
// the owner is out. Where the kernel has no membarrier the owner always goes the long way, where a
// full fence follows its store. Thread safety: Owner* by the owner only; the rest from any thread.
// Others exclude each other by a spin lock. Invariants: never both inside: after the barrier either
// the owner sees kOther, or the other one sees `owner_in_` (Dekker). Ownership: lives in the object
// it protects.
#ifndef STRANDED_RUNTIME_HOOKS_SCHEDULER_OWNER_LOCK_H_
#define STRANDED_RUNTIME_HOOKS_SCHEDULER_OWNER_LOCK_H_

#include <atomic>
#include <cstdint>

#include "runtime_hooks/scheduler/barriers.h"
#include "stranded/internal/spin_lock.h"

namespace stranded::internal {

class ABSL_LOCKABLE OwnerLock {
 public:
  void OwnerEnter() ABSL_EXCLUSIVE_LOCK_FUNCTION() {
    if (!OwnerTryEnter()) [[unlikely]]
      OwnerWait();
  }
  // False if it has to go the long way: for functions that are short because they call nothing.
  [[nodiscard]] bool OwnerTryEnter() ABSL_EXCLUSIVE_TRYLOCK_FUNCTION(true) {
    owner_in_.store(true, std::memory_order_relaxed);
    std::atomic_signal_fence(std::memory_order_seq_cst);  // others make it a real one
    // Acquire pairs with the release in Leave: what the other one did is seen.
    if (long_way_.load(std::memory_order_acquire) == 0) [[likely]]
      return true;
    owner_in_.store(false, std::memory_order_release);  // nothing was done inside
    return false;
  }
  // Release pairs with the acquire in Enter.
  void OwnerLeave() ABSL_UNLOCK_FUNCTION() { owner_in_.store(false, std::memory_order_release); }

  void Enter() ABSL_EXCLUSIVE_LOCK_FUNCTION();
  void Leave() ABSL_UNLOCK_FUNCTION();

 private:
  static constexpr std::uint8_t kOther = 1;      // is inside, or waits until the owner is out
  static constexpr std::uint8_t kNoBarrier = 2;  // there is no membarrier
  void OwnerWait() ABSL_EXCLUSIVE_LOCK_FUNCTION();

  std::atomic<bool> owner_in_{false};
  // Both of these, by who holds others_; kNoBarrier for good.
  std::atomic<std::uint8_t> long_way_{has_membarrier ? std::uint8_t{0} : kNoBarrier};
  SpinLock others_;
};

}  // namespace stranded::internal

#endif  // STRANDED_RUNTIME_HOOKS_SCHEDULER_OWNER_LOCK_H_
