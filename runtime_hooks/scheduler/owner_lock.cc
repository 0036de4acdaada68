#include "runtime_hooks/scheduler/owner_lock.h"

#include <linux/membarrier.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace stranded::internal {
namespace {

bool Register() {
  return syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0) == 0;
}

void PauseLonger(int* spins) {
  if (++*spins > 64) {
    sched_yield();  // whoever is inside was taken off its processor
  } else {
    __builtin_ia32_pause();
  }
}

}  // namespace

const bool has_membarrier = Register();

void HeavyBarrier() {
  if (has_membarrier) {
    syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0);
  } else {
    FullBarrier();
  }
}

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
