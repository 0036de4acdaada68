// The lock of an object that one thread mostly has to itself: channels, mutexes, wait groups.
//
// Overview: a spin lock (see SpinLock) that falls to the thread that took it a number of times in
// a row. From then on that thread, the owner, takes it by plain stores, without a locked
// instruction. The first other one that wants in revokes the bias: it makes all running threads
// pass a memory barrier (membarrier) and waits until the owner is out. That costs it some
// microseconds, so the more of them are revoked in a process the later they are granted; and
// kMostRevoked times at most. Thread safety: any thread; taken and released on the same thread. Not
// recursive. Invariants: `held_` is set while somebody who is not the owner is inside or waits for
// the owner. The owner is inside exactly while `owner_` is kInside; then nobody else is. Dekker:
// after the barrier either the owner sees that the bias is gone, or the revoker sees the owner
// inside. No second thread ever becomes the owner: the first may still be between its two looks at
// `bias_`, and its kComing would hide that the second one is inside. As for SpinLock: whoever holds
// it neither allocates nor calls user code, except element moves. Ownership: lives inside the
// object it protects. A thread may end while it is the owner: another one that has its block by
// then may go on as the owner, for it began after the first one ended.
// In the child of a fork a lock that another thread was in stays taken, as with any lock.
//
// The bodies are in runtime_hooks/scheduler/biased_lock.h: no program calls them.
#ifndef STRANDED_RUNTIME_HOOKS_INTERNAL_BIASED_LOCK_H_
#define STRANDED_RUNTIME_HOOKS_INTERNAL_BIASED_LOCK_H_

#include <atomic>
#include <cstdint>

#include "absl/base/thread_annotations.h"

namespace stranded::internal {

class ABSL_LOCKABLE BiasedLock {
 public:
  // What it guards lies in its own line of the cache and in so many behind it.
  explicit constexpr BiasedLock(int lines_behind = 1)
      : lines_behind_(static_cast<std::uint8_t>(lines_behind)) {}
  BiasedLock(const BiasedLock&) = delete;
  BiasedLock& operator=(const BiasedLock&) = delete;

  void Lock() ABSL_EXCLUSIVE_LOCK_FUNCTION();
  void Unlock() ABSL_UNLOCK_FUNCTION();
  // For signal handlers: false also when the owner does not come out soon.
  bool TryLock() ABSL_EXCLUSIVE_TRYLOCK_FUNCTION(true);

 private:
  static constexpr std::uint8_t kMostRevoked = 32;
  static constexpr std::uintptr_t kCandidate = 1;  // set in bias_: may become the owner
  enum Owner : std::uint8_t { kOut, kComing, kInside };

  void LockShared();
  void UnlockShared();
  void NoteTaken();
  void Revoke();

  // The block of the owner's thread, or of the candidate's. Written while `held_` is set.
  std::atomic<std::uintptr_t> bias_{0};
  std::atomic<Owner> owner_{kOut};  // written by the owner only
  std::atomic<bool> held_{false};
  // Guarded by `held_`.
  std::uint8_t revoked_ = 0;
  std::uint16_t streak_ = 0;
  const std::uint8_t lines_behind_;
};

}  // namespace stranded::internal

#endif  // STRANDED_RUNTIME_HOOKS_INTERNAL_BIASED_LOCK_H_
