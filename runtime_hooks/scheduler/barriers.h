// Memory barriers that cost the frequent side nothing.
//
// Overview: two threads that each announce themselves by a store and then look for the other one
// need a barrier between the two steps. Where one of them comes all the time and the other hardly
// ever, LightBarrier() on the frequent side only keeps the compiler from reordering, and
// HeavyBarrier() makes all running threads of the process pass a real one (membarrier).
// Thread safety: any thread, signal handlers too. Invariants: without membarrier both are full
// fences. Ownership: none.
#ifndef STRANDED_RUNTIME_HOOKS_SCHEDULER_BARRIERS_H_
#define STRANDED_RUNTIME_HOOKS_SCHEDULER_BARRIERS_H_

#include <atomic>

namespace stranded::internal {

// A full fence, written so that ThreadSanitizer, which knows none, need not be told.
inline void FullBarrier() {
#if defined(__x86_64__)
  asm volatile("mfence" ::: "memory");
#else
  std::atomic_thread_fence(std::memory_order_seq_cst);
#endif
}

// Orders the caller's store before its next load, against HeavyBarrier() in other threads.
// Set before what the program's own objects do when they are made.
extern bool has_membarrier __attribute__((visibility("hidden")));
inline void LightBarrier() {
  if (has_membarrier) [[likely]] {
    std::atomic_signal_fence(std::memory_order_seq_cst);
  } else {
    FullBarrier();
  }
}
void HeavyBarrier();

// One more turn of waiting for somebody who will be out in a moment. `*spins` starts at 0.
void PauseLonger(int* spins);

}  // namespace stranded::internal

#endif  // STRANDED_RUNTIME_HOOKS_SCHEDULER_BARRIERS_H_
