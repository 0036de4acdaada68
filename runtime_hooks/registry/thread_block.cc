#include "runtime_hooks/registry/thread_block.h"

#include <cxxabi.h>

#include <atomic>

#include "runtime_hooks/registry/spawn_node.h"

// Of this program or library: what is to be done at its end.
extern "C" void* __dso_handle;  // NOLINT(bugprone-reserved-identifier)

namespace stranded::internal {

__thread ThreadBlock stranded_thread_block;

namespace {

// Release and acquire: what the function needs is there before it is.
std::atomic<void (*)(ThreadCache&)> spills[kCacheKinds];

void Spill(void*) {
  stranded_thread_block.spills = false;
  DropSpawnStash();
  for (int kind = 0; kind < kCacheKinds; ++kind) {
    ThreadCache& cache = stranded_thread_block.caches[kind];
    const auto spill = spills[kind].load(std::memory_order_acquire);
    if (cache.count > 0 && spill != nullptr) spill(cache);
  }
}

std::atomic<std::uint64_t> run_blocks{0};  // relaxed: no two threads get the same

}  // namespace

// The first number is left out: 0 is what a channel has that no run has touched. So it is when the
// blocks have come round.
std::uint64_t ThreadBlock::TakeRuns() {
  return run_blocks.fetch_add(1, std::memory_order_relaxed) * kRunsAtOnce + kNextRun;
}

void SetSpill(CacheKind kind, void (*spill)(ThreadCache&)) {
  spills[static_cast<int>(kind)].store(spill, std::memory_order_release);
}

void AtThreadEnd(void (*f)(void*), void* arg) { abi::__cxa_thread_atexit(f, arg, &__dso_handle); }

void SpillAtThreadExit() {
  if (stranded_thread_block.spills) return;
  stranded_thread_block.spills = true;
  AtThreadEnd(&Spill, nullptr);
}

}  // namespace stranded::internal
