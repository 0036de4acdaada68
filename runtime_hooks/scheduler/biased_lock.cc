#include "runtime_hooks/scheduler/biased_lock.h"

namespace stranded::internal {
namespace {

// A revocation costs as much as some hundred locked instructions: with kLatest a grant has paid for
// one before it is made. Relaxed: nothing hangs on them but time.
constexpr std::uint16_t kEarliest = 8, kLatest = 1000;  // below 1024: there are ten bits for it
constexpr unsigned kFew = 4;  // revocations; a lock that has seen more must pay for the next
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

// Threads that become owners are numbered, once and for all; those after kNobody - 1 have no number
// of their own and are owners only of what had none before.
constexpr std::uint8_t kNobody = 255;
std::atomic<std::uint32_t> numbered{0};

std::uint8_t NewNumber() {
  if (numbered.load(std::memory_order_relaxed) >= kNobody - 1) return kNobody;
  const std::uint32_t before = numbered.fetch_add(1, std::memory_order_relaxed);
  return static_cast<std::uint8_t>(before < kNobody - 1 ? before + 1 : kNobody);
}

constexpr int kPatience = 1000;  // looks at an owner that a signal may have interrupted

}  // namespace

std::uint8_t NumberOfThread() {
  std::uint8_t& number = Here()->number;
  if (number == 0) [[unlikely]]
    number = NewNumber();
  return number;
}

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
  // Also without a bias: a TryLock may have revoked it and given up.
  for (int spins = 0; !OwnersAreOut();) PauseLonger(&spins);
}

bool BiasedLock::OwnersAreOut() const {
  // Acquire pairs with the release of an owner's Unlock.
  return first_.load(std::memory_order_acquire) == kOut &&
         second_.load(std::memory_order_acquire) == kOut;
}

// Not the first owner: the second one, or one of all.
void BiasedLock::LockOtherwise() ABSL_NO_THREAD_SAFETY_ANALYSIS {
  const auto me = reinterpret_cast<std::uintptr_t>(Here()) | kSecond;
  if (!EnterAsOwner(second_, me)) LockShared();
}

void BiasedLock::UnlockOtherwise() ABSL_NO_THREAD_SAFETY_ANALYSIS {
  if (second_.load(std::memory_order_relaxed) == kInside) {
    second_.store(kOut, std::memory_order_release);
    return;
  }
  if (revoked_ < kMostRevoked) NoteTaken();
  held_.store(false, std::memory_order_release);
}

void BiasedLock::UnlockUncounted() ABSL_NO_THREAD_SAFETY_ANALYSIS {
  const bool owner = first_.load(std::memory_order_relaxed) == kInside ||
                     second_.load(std::memory_order_relaxed) == kInside;
  if (owner) return Unlock();
  held_.store(false, std::memory_order_release);
}

// By the holder, before it goes: counts how often in a row it was the same thread.
void BiasedLock::NoteTaken() {
  const ThreadBlock* const here = Here();
  const bool known = here->number != 0 && here->number != kNobody;
  const bool second = first_of_ != 0 && !(known && first_of_ == here->number);
  if (second && second_of_ != 0 && !(known && second_of_ == here->number)) {
    streak_ = 0;  // both words are others'
    return;
  }
  const auto me = reinterpret_cast<std::uintptr_t>(here) | (second ? kSecond : 0);
  if (bias_.load(std::memory_order_relaxed) != (me | kCandidate)) {
    bias_.store(me | kCandidate, std::memory_order_relaxed);
    streak_ = 0;
    return;
  }
  ++streak_;
  // One that has moved to another thread may well move back.
  const bool cheap = revoked_ < kFew && !second;
  if (streak_ < (cheap ? grant_after.load(std::memory_order_relaxed) : kLatest)) return;
  streak_ = 0;
  if (has_membarrier) Grant(me, second);
}

void BiasedLock::Grant(std::uintptr_t me, bool second) {
  (second ? second_of_ : first_of_) = NumberOfThread();
  // Relaxed: others look at it after they have taken `held_`, which is released next.
  bias_.store(me, std::memory_order_relaxed);
  NoteGranted();
}

// With `held_` taken. Afterwards the owner comes in no more without it.
void BiasedLock::Revoke() {
  const std::uintptr_t bias = bias_.load(std::memory_order_relaxed);
  if (bias == 0) return;
  ++revoked_;
  NoteRevoked();
  // Relaxed: the barrier orders it before the look at the owners' words.
  bias_.store(bias | kCandidate, std::memory_order_relaxed);
  HeavyBarrier();
}

bool BiasedLock::TryLock() ABSL_NO_THREAD_SAFETY_ANALYSIS {
  if (held_.load(std::memory_order_relaxed) || held_.exchange(true, std::memory_order_acquire)) {
    return false;
  }
  if ((bias_.load(std::memory_order_relaxed) & kCandidate) == 0) Revoke();
  for (int looks = 0; looks < kPatience; ++looks) {
    if (OwnersAreOut()) return true;
  }
  held_.store(false, std::memory_order_release);
  return false;
}

}  // namespace stranded::internal
