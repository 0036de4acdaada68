#include "runtime_hooks/scheduler/owner_lock.h"

namespace stranded::internal {

void OwnerLock::OwnerWait() ABSL_NO_THREAD_SAFETY_ANALYSIS {
  for (;;) {
    owner_in_.store(true, std::memory_order_relaxed);
    FullBarrier();
    if ((long_way_.load(std::memory_order_acquire) & kOther) == 0) return;
    owner_in_.store(false, std::memory_order_release);
    int spins = 0;
    while ((long_way_.load(std::memory_order_relaxed) & kOther) != 0) PauseLonger(&spins);
  }
}

void OwnerLock::Enter() ABSL_NO_THREAD_SAFETY_ANALYSIS {
  others_.Lock();
  long_way_.fetch_or(kOther, std::memory_order_relaxed);
  HeavyBarrier();
  int spins = 0;
  while (owner_in_.load(std::memory_order_acquire)) PauseLonger(&spins);
}

void OwnerLock::Leave() ABSL_NO_THREAD_SAFETY_ANALYSIS {
  long_way_.fetch_and(kNoBarrier, std::memory_order_release);
  others_.Unlock();
}

}  // namespace stranded::internal
