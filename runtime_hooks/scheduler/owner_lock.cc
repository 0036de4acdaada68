#include "runtime_hooks/scheduler/owner_lock.h"

namespace stranded::internal {

void OwnerLock::WaitForOther() {
  for (;;) {
    owner_in_.store(false, std::memory_order_release);
    int spins = 0;
    while (other_in_.load(std::memory_order_relaxed)) PauseLonger(&spins);
    owner_in_.store(true, std::memory_order_relaxed);
    LightBarrier();
    if (!other_in_.load(std::memory_order_acquire)) return;
  }
}

void OwnerLock::Enter() ABSL_NO_THREAD_SAFETY_ANALYSIS {
  others_.Lock();
  other_in_.store(true, std::memory_order_relaxed);
  HeavyBarrier();
  int spins = 0;
  while (owner_in_.load(std::memory_order_acquire)) PauseLonger(&spins);
}

void OwnerLock::Leave() ABSL_NO_THREAD_SAFETY_ANALYSIS {
  other_in_.store(false, std::memory_order_release);
  others_.Unlock();
}

}  // namespace stranded::internal
