// The lock of an object that one thread mostly has to itself: channels, mutexes, wait groups.
//
// Overview: a spin lock (see SpinLock) that falls to the thread that took it a number of times in
// a row. From then on that thread, the owner, takes it by plain stores, without a locked
// instruction. The first other one that wants in revokes the bias: it makes all running threads
// pass a memory barrier (membarrier) and waits until the owner is out. That costs it some
// microseconds, so the more of them are revoked in a process the later they are granted; and
// kMostRevoked times at most. Two threads can become owners, the second one when the object has
// moved to it: what one worker made, another one may work on for good.
// Thread safety: any thread; taken and released on the same thread. Not recursive.
// Invariants: `held_` is set while somebody who is not the owner is inside or waits for the owner.
// An owner is inside exactly while its word, `first_` or `second_`, is kInside; then nobody else
// is. Dekker: after the barrier either the owner sees that the bias is gone, or the revoker sees it
// inside. Each word belongs to one thread as long as that lives: a former owner may still be
// between its two looks at `bias_`, and its kComing would hide that another one is inside.
// As for SpinLock: whoever holds it neither allocates nor calls user code, except element moves.
// Ownership: lives inside the object it protects. A thread may end while it is the owner: another
// one that has its block by then may go on as the owner, for it began after the first one ended.
// In the child of a fork a lock that another thread was in stays taken, as with any lock.
//
// The bodies are in runtime_hooks/scheduler/biased_lock.h: no program calls them.
#ifndef STRANDED_RUNTIME_HOOKS_INTERNAL_BIASED_LOCK_H_
#define STRANDED_RUNTIME_HOOKS_INTERNAL_BIASED_LOCK_H_

#include <atomic>
#include <cstdint>

#include "absl/base/thread_annotations.h"

namespace stranded::internal {

struct ThreadBlock;

class ABSL_LOCKABLE BiasedLock {
 public:
  // What it guards lies in its own line of the cache and in so many behind it.
  explicit constexpr BiasedLock(int lines_behind = 1)
      : lines_behind_(static_cast<std::uint8_t>(lines_behind)) {}
  BiasedLock(const BiasedLock&) = delete;
  BiasedLock& operator=(const BiasedLock&) = delete;

  void Lock() ABSL_EXCLUSIVE_LOCK_FUNCTION();
  void Unlock() ABSL_UNLOCK_FUNCTION();
  // For those who look on, such as a snapshot: it does not count towards becoming the owner.
  void UnlockUncounted() ABSL_UNLOCK_FUNCTION();
  // For the first owner, whose block `mine` is; false for all others, and for it too now and then.
  bool TryAsFirst(const ThreadBlock* mine) ABSL_EXCLUSIVE_TRYLOCK_FUNCTION(true);
  void UnlockAsFirst() ABSL_UNLOCK_FUNCTION();
  // For signal handlers: false also when the owner does not come out soon.
  bool TryLock() ABSL_EXCLUSIVE_TRYLOCK_FUNCTION(true);
  // For the holder: more than one thread takes it these days, as far as can be seen.
  // It had an owner once, and has none now. Not by `revoked_`: whoever revokes writes that while
  // the owner is still inside.
  bool Shared() const { return first_of_ != 0 && !HasOwner(); }
  // Somebody takes it by plain stores, as far as can be seen.
  bool HasOwner() const {
    const std::uintptr_t bias = bias_.load(std::memory_order_relaxed);
    return bias != 0 && (bias & kCandidate) == 0;
  }

 private:
  static constexpr unsigned kMostRevoked = 32;
  // Beside the block's address in `bias_`: may become the owner; the owner whose word is `second_`.
  static constexpr std::uintptr_t kCandidate = 1, kSecond = 2;
  enum Owner : std::uint8_t { kOut, kComing, kInside };

  bool EnterAsOwner(std::atomic<Owner>& mine, std::uintptr_t me);
  void LockOtherwise();
  void LockShared();
  void UnlockOtherwise();
  void NoteTaken();
  void Grant(std::uintptr_t me, bool second);
  void Revoke();
  bool OwnersAreOut() const;

  // The block of the owner's thread, or of the candidate's. Written while `held_` is set.
  std::atomic<std::uintptr_t> bias_{0};
  std::atomic<Owner> first_{kOut}, second_{kOut};  // written by these owners only
  std::atomic<bool> held_{false};
  const std::uint8_t lines_behind_;
  // Guarded by `held_`.
  std::uint16_t streak_ : 10 = 0, revoked_ : 6 = 0;
  // The threads whose words they are, by number. Written while nobody else is inside, owner or not.
  std::uint8_t first_of_ = 0, second_of_ = 0;
};
static_assert(sizeof(BiasedLock) == 16);

}  // namespace stranded::internal

#endif  // STRANDED_RUNTIME_HOOKS_INTERNAL_BIASED_LOCK_H_
