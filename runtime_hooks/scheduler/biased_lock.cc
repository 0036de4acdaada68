#include "runtime_hooks/scheduler/biased_lock.h"

namespace stranded::internal {
namespace {

// A revocation costs as much as some hundred locked instructions: with kLatest a grant has paid for
// one before it is made. Relaxed: nothing hangs on them but time.
constexpr std::uint16_t kEarliest = 8, kLatest = 1024;
constexpr std::uint8_t kFew = 4;  // revocations; a lock that has seen more must pay for the next
std::atomic<std::uint16_t> grant_after{kEarliest};

void NoteGranted() {
  const std::uint16_t now = grant_after.load(std::memory_order_relaxed);
  const int sooner = now - now / 16;
  grant_after.store(sooner > kEarliest ? static_cast<std::uint16_t>(sooner) : kEarliest,
                    std::memory_order_relaxed);
}

void NoteRevoked() {
  const std::uint16_t now = grant_after.load(std::memory_order_relaxed);
  grant_after.store(now < kLatest / 2 ? static_cast<std::uint16_t>(2 * now) : kLatest,
                    std::memory_order_relaxed);
}

constexpr int kPatience = 1000;  // looks at an owner that a signal may have interrupted

}  // namespace

// Another processor has written what the lock guards: its lines come over while this one waits for
// that of the lock, not one after the other.
static void BringOver(const void* lock, int lines_behind) {
#if defined(__x86_64__)
  const auto* line = static_cast<const char*>(lock);
  for (int i = 1; i <= lines_behind; ++i) asm volatile("prefetchw %0" : : "m"(line[i * 64]));
#endif
}

void BiasedLock::LockShared() ABSL_NO_THREAD_SAFETY_ANALYSIS {
  BringOver(this, lines_behind_);
  // Exchanged at once: another look, once it is free, could only be too late.
  // Acquire pairs with the release in UnlockShared.
  for (int spins = 0; held_.exchange(true, std::memory_order_acquire);) {
    do {
      PauseLonger(&spins);
    } while (held_.load(std::memory_order_relaxed));
  }
  if ((bias_.load(std::memory_order_relaxed) & kCandidate) == 0) [[unlikely]]
    Revoke();
  // Acquire pairs with the release of the owner's Unlock. Also without a bias: a TryLock may have
  // revoked it and given up.
  for (int spins = 0; owner_.load(std::memory_order_acquire) != kOut;) PauseLonger(&spins);
}

void BiasedLock::UnlockShared() ABSL_NO_THREAD_SAFETY_ANALYSIS {
  if (revoked_ < kMostRevoked) NoteTaken();
  held_.store(false, std::memory_order_release);
}

// By the holder, before it goes: counts how often in a row it was the same thread.
void BiasedLock::NoteTaken() {
  const auto me = reinterpret_cast<std::uintptr_t>(Here());
  if (bias_.load(std::memory_order_relaxed) != (me | kCandidate)) {
    if (revoked_ == 0) bias_.store(me | kCandidate, std::memory_order_relaxed);
    streak_ = 0;
  } else if (++streak_ >=
             (revoked_ < kFew ? grant_after.load(std::memory_order_relaxed) : kLatest)) {
    streak_ = 0;
    // Relaxed: others look at it after they have taken `held_`, which is released next.
    if (!has_membarrier) return;
    bias_.store(me, std::memory_order_relaxed);
    NoteGranted();
  }
}

// With `held_` taken. Afterwards the owner comes in no more without it.
void BiasedLock::Revoke() {
  const std::uintptr_t bias = bias_.load(std::memory_order_relaxed);
  if (bias == 0) return;
  ++revoked_;
  NoteRevoked();
  // Relaxed: the barrier orders it before the look at `owner_`.
  bias_.store(bias | kCandidate, std::memory_order_relaxed);
  HeavyBarrier();
}

bool BiasedLock::TryLock() ABSL_NO_THREAD_SAFETY_ANALYSIS {
  if (held_.load(std::memory_order_relaxed) || held_.exchange(true, std::memory_order_acquire)) {
    return false;
  }
  if ((bias_.load(std::memory_order_relaxed) & kCandidate) == 0) Revoke();
  for (int looks = 0; looks < kPatience; ++looks) {
    if (owner_.load(std::memory_order_acquire) == kOut) return true;
  }
  held_.store(false, std::memory_order_release);
  return false;
}

}  // namespace stranded::internal
