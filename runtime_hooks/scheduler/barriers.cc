#include "runtime_hooks/scheduler/barriers.h"

#include <linux/membarrier.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdlib>
#include <tuple>

namespace stranded::internal {
bool has_membarrier = false;

namespace {

// The first priority that is not the implementation's.
__attribute__((constructor(101))) void Register() {
  has_membarrier = syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0) == 0;
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

void HeavyBarrier() {
  if (!has_membarrier) {
    FullBarrier();
    return;
  }
  if (syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0) == 0) return;
  // Others rely on it already: without it two threads would be inside one lock.
  constexpr char kText[] =
      "stranded: membarrier() worked at the start of the process and fails now; a filter of system "
      "calls that is set up later must allow it\n";
  std::ignore = write(STDERR_FILENO, kText, sizeof kText - 1);
  std::abort();
}

}  // namespace stranded::internal
