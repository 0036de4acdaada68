// Stacks for fibers.
//
// Overview: stacks are cut from large mappings, and freed ones are handed out again newest first,
// those of the usual size by the thread that freed them. Only touched pages cost memory; from the
// second batch of a size on, the first page of each is touched in advance. Where many are needed
// most of the time goes to the kernel's pages: a worker that has nothing to do makes some, too.
// Each has a guard below it: by MADV_GUARD_INSTALL where the kernel has it, else by mprotect within
// a budget of mappings, else none, which is counted. Thread safety: any thread. Invariants: a stack
// is either in the pool or in use by one fiber. Mappings are never given back. Ownership: the pool
// owns the memory; a fiber owns its stack until FreeStack.
#ifndef STRANDED_RUNTIME_HOOKS_SCHEDULER_STACK_POOL_H_
#define STRANDED_RUNTIME_HOOKS_SCHEDULER_STACK_POOL_H_

#include <bit>
#include <cstddef>
#include <cstdint>

#include "runtime_hooks/registry/thread_block.h"
#include "runtime_hooks/scheduler/sanitizers.h"

namespace stranded::internal {

struct Stack {
  char* low = nullptr;      // lowest usable byte
  std::uint32_t bytes = 0;  // usable
  // Where it begins differs from stack to stack: at the same place in each page, a dozen of them
  // would drive each other out of the processor's first cache.
  std::uint32_t colour = 0;
  Stack* next_free = nullptr;
  char* top() const { return low + bytes - colour; }
};

inline constexpr std::size_t kDefaultStackBytes = 256 * 1024;

// Throws ResourceError naming the limit when there is no room for another stack.
Stack* AllocStackSlowly(std::size_t bytes);
void FreeStackSlowly(Stack* stack);

// What there is mapped for one of the usual size.
inline constexpr std::uint32_t kUsualBytes = std::bit_ceil(kDefaultStackBytes * kStackFactor);

// 0: the usual size. Those are kept by the thread that freed them, the newest on top: it is still
// in the processor's cache.
inline Stack* AllocStack(std::size_t bytes) {
  ThreadCache& cache = Here()->caches[static_cast<int>(CacheKind::kStack)];
  if (bytes != 0 || cache.count == 0) [[unlikely]]
    return AllocStackSlowly(bytes);
  auto* stack = static_cast<Stack*>(cache.first);
  cache.first = stack->next_free;
  --cache.count;
  return stack;
}

inline void FreeStack(Stack* stack) {
  ThreadCache& cache = Here()->caches[static_cast<int>(CacheKind::kStack)];
  UnpoisonStack(stack->low, stack->bytes);
  if (stack->bytes != kUsualBytes || cache.HasEnd()) [[unlikely]]
    return FreeStackSlowly(stack);
  stack->next_free = static_cast<Stack*>(cache.first);
  cache.first = stack;
  ++cache.count;
}

// Stacks have run out, and nobody has been called to make some: true once, for who calls.
bool CallForStacks();
// Makes a few stacks of the usual size if they are wanted and nobody else does. False if not.
bool MakeStacksAhead();
std::uint64_t StacksMadeAhead();
std::uint64_t UnguardedStacks();

}  // namespace stranded::internal

#endif  // STRANDED_RUNTIME_HOOKS_SCHEDULER_STACK_POOL_H_
