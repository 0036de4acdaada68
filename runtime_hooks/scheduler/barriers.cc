#include "runtime_hooks/scheduler/barriers.h"

#include <linux/membarrier.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace stranded::internal {
namespace {

bool Register() {
  return syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0) == 0;
}

}  // namespace

void PauseLonger(int* spins) {
  if (++*spins > 64) {
    sched_yield();  // whoever is inside was taken off its processor
  } else {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#endif
  }
}

const bool has_membarrier = Register();

void HeavyBarrier() {
  if (has_membarrier) {
    syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0);
  } else {
    FullBarrier();
  }
}

}  // namespace stranded::internal
