#include "runtime_hooks/scheduler/fiber_switch.h"

#include <cxxabi.h>
#include <pthread.h>

#include <cerrno>
#include <cstring>

#include "runtime_hooks/scheduler/sanitizers.h"
#include "runtime_hooks/scheduler/stack_pool.h"

namespace stranded::internal {
void FiberMain(Arrival from) {
  ThreadBlock* here = Here();
  Task* self = here->current;
  FinishSwitchForAsan(self);
  std::memcpy(here->exceptions, self->eh_globals, sizeof(self->eh_globals));
  ArriveFrom(from);
  self->state.store(Task::kRunning, std::memory_order_relaxed);
  RunFiber(self);
}

void PrepareRoot([[maybe_unused]] Task* task) {
  Here()->exceptions = abi::__cxa_get_globals();
  Here()->errno_place = &errno;
#ifdef STRANDED_ASAN
  pthread_attr_t attr;
  if (pthread_getattr_np(pthread_self(), &attr) == 0) {
    void* low = nullptr;
    std::size_t bytes = 0;
    pthread_attr_getstack(&attr, &low, &bytes);
    task->stack_low = low;
    task->stack_bytes = bytes;
    pthread_attr_destroy(&attr);
  }
#endif
#ifdef STRANDED_TSAN
  task->tsan_fiber = __tsan_get_current_fiber();
#endif
}

void ReleaseRoot([[maybe_unused]] Task* task) {
#ifdef STRANDED_TSAN
  task->tsan_fiber = nullptr;
#endif
}

}  // namespace stranded::internal
