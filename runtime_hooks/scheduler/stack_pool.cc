#include "runtime_hooks/scheduler/stack_pool.h"

#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <atomic>
#include <bit>
#include <cerrno>
#include <cstring>
#include <string>

#include "runtime_hooks/registry/prefetch.h"
#include "runtime_hooks/registry/thread_block.h"
#include "runtime_hooks/scheduler/sanitizers.h"
#include "stranded/errors.h"
#include "stranded/internal/spin_lock.h"

namespace stranded::internal {
namespace {

constexpr std::size_t kPage = 4096;
constexpr int kMadvGuardInstall = 102;            // Linux 6.13
constexpr int kMadvPopulateWrite = 23;            // Linux 5.14
constexpr long kProcessMadvise = 440;             // the system call, on all processors
constexpr std::size_t kBatch = 64;                // stacks in a mapping
constexpr std::uint64_t kMprotectBudget = 16000;  // half of the usual vm.max_map_count, 2 each
constexpr int kClasses = 16;                      // 16 KiB << class
// Small enough for a shallow task to stay within one page.
constexpr std::size_t kShallowBytes = 640;
constexpr std::size_t kColours = 8, kColourBytes = 192;

struct SizeClass {
  SpinLock lock;
  Stack* free ABSL_GUARDED_BY(lock) = nullptr;
  std::atomic<bool> refilled{false};  // once; relaxed, a hint
};
SizeClass classes[kClasses];
std::atomic<std::uint64_t> unguarded{0};
std::atomic<std::uint64_t> mprotected{0};
std::atomic<bool> guard_install_works{true};

bool Guard(char* page) {
  if (guard_install_works.load(std::memory_order_relaxed)) {
    if (madvise(page, kPage, kMadvGuardInstall) == 0) return true;
    guard_install_works.store(false, std::memory_order_relaxed);
  }
  if (mprotected.fetch_add(1, std::memory_order_relaxed) < kMprotectBudget &&
      mprotect(page, kPage, PROT_NONE) == 0) {
    return true;
  }
  unguarded.fetch_add(1, std::memory_order_relaxed);
  return false;
}

constexpr int ClassOf(std::size_t bytes) {
  const std::size_t rounded = std::bit_ceil(bytes < 16384 ? std::size_t{16384} : bytes);
  return std::countr_zero(rounded) - 14;
}

[[noreturn]] void ThrowNoRoom(std::size_t bytes) {
  throw ResourceError("no room for another task stack of " + std::to_string(bytes) +
                      " bytes: " + std::strerror(errno) +
                      ". Likely limits: vm.max_map_count, ulimit -v, vm.overcommit_memory");
}

// The same advice on a page of each of `count` stacks, in one system call. False where the kernel
// takes no such call (Linux before 6.14) or no such advice.
bool AdviseAll(char* first_page, std::size_t stride, std::size_t count, int advice) {
  constexpr int kPidfdSelf = -10001;  // PIDFD_SELF_THREAD_GROUP: a real one would outlive a fork
  iovec pages[kBatch];
  for (std::size_t i = 0; i < count; ++i) pages[i] = {first_page + i * stride, kPage};
  return syscall(kProcessMadvise, kPidfdSelf, pages, count, advice, 0) ==
         static_cast<long>(count * kPage);
}

// Maps a batch of stacks of one class and puts them into its pool.
void Refill(SizeClass& pool, std::size_t bytes) {
  const std::size_t each = bytes + kPage;
  const std::size_t count = bytes >= (std::size_t{1} << 20) ? 1 : kBatch;
  void* mapped = mmap(nullptr, each * count, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (mapped == MAP_FAILED) ThrowNoRoom(bytes);
  // A huge page per stack would turn 4 KiB of use into 2 MiB.
  madvise(mapped, each * count, MADV_NOHUGEPAGE);
  char* const memory = static_cast<char*>(mapped);
  const bool guarded = AdviseAll(memory, each, count, kMadvGuardInstall);
  // Whoever needs many will use these too: a page fault each would cost more.
  if (pool.refilled.exchange(true, std::memory_order_relaxed)) {
    AdviseAll(memory + each - kPage, each, count, kMadvPopulateWrite);
  }
  auto* stacks = new Stack[count];
  for (std::size_t i = 0; i < count; ++i) {
    char* base = memory + i * each;
    if (!guarded) Guard(base);
    stacks[i].low = base + kPage;
    stacks[i].bytes = static_cast<std::uint32_t>(bytes);
    stacks[i].colour = static_cast<std::uint32_t>(i % kColours * kColourBytes);
    RegisterStackMemory(stacks[i].low, bytes);  // without the guard: that must not be read
  }
  SpinGuard guard(pool.lock);
  for (std::size_t i = count; i-- > 0;) {
    stacks[i].next_free = pool.free;
    pool.free = &stacks[i];
  }
}

}  // namespace

namespace {

Stack* TakeFrom(SizeClass& pool) {
  SpinGuard guard(pool.lock);
  Stack* stack = pool.free;
  if (stack != nullptr) pool.free = stack->next_free;
  return stack;
}

Stack* TakeOrMap(int index) {
  SizeClass& pool = classes[index];
  for (;;) {
    if (Stack* stack = TakeFrom(pool)) return stack;
    Refill(pool, std::size_t{16384} << index);
  }
}

void GiveBack(Stack* stack) {
  SizeClass& pool = classes[ClassOf(stack->bytes)];
  SpinGuard guard(pool.lock);
  stack->next_free = pool.free;
  pool.free = stack;
}

// Stacks of the usual size are kept by the thread that freed them, the newest on top: it is still
// in the processor's cache.
constexpr int kUsualClass = ClassOf(kDefaultStackBytes * kStackFactor);
constexpr std::size_t kUsualBytes = std::bit_ceil(kDefaultStackBytes * kStackFactor);

ThreadCache& MyCache() { return Here()->caches[static_cast<int>(CacheKind::kStack)]; }

void Spill(ThreadCache& cache, std::uint32_t count) {
  for (cache.count -= count; count > 0; --count) {
    auto* stack = static_cast<Stack*>(cache.first);
    cache.first = stack->next_free;
    GiveBack(stack);
  }
}

// What a shallow task touches, of a stack that nobody did for long: the misses of several overlap.
void BringNear(const Stack* stack) { PrefetchBytes(stack->top() - kShallowBytes, kShallowBytes); }

__attribute__((noinline)) void Fill(ThreadCache& cache) {
  static const bool spills = [] {
    SetSpill(CacheKind::kStack, [](ThreadCache& c) { Spill(c, c.count); });
    return true;
  }();
  (void)spills;
  SpillAtThreadExit();
  constexpr std::uint32_t kAtOnce = 16;
  Stack* taken[kAtOnce];
  taken[0] = TakeOrMap(kUsualClass);
  std::uint32_t count = 1;
  while (count < kAtOnce) {
    Stack* stack = TakeFrom(classes[kUsualClass]);
    if (stack == nullptr) break;
    taken[count++] = stack;
  }
  for (std::uint32_t i = 0; i < count; ++i) BringNear(taken[i]);
  cache.count += count;
  while (count-- > 0) {
    taken[count]->next_free = static_cast<Stack*>(cache.first);
    cache.first = taken[count];
  }
}

}  // namespace

Stack* AllocStack(std::size_t bytes) {
  if (bytes != 0) [[unlikely]] {
    bytes *= kStackFactor;
    const int index = ClassOf(bytes);
    if (index >= kClasses) {
      errno = EINVAL;
      ThrowNoRoom(bytes);
    }
    if (index != kUsualClass) return TakeOrMap(index);
  }
  ThreadCache& cache = MyCache();
  if (cache.count == 0) [[unlikely]]
    Fill(cache);
  auto* stack = static_cast<Stack*>(cache.first);
  cache.first = stack->next_free;
  --cache.count;
  return stack;
}

void FreeStack(Stack* stack) {
  UnpoisonStack(stack->low, stack->bytes);
  if (stack->bytes != kUsualBytes) [[unlikely]] {
    GiveBack(stack);
    return;
  }
  ThreadCache& cache = MyCache();
  if (cache.count == ThreadCache::kMost) [[unlikely]]
    Spill(cache, ThreadCache::kBatch);
  if (cache.count == 0) SpillAtThreadExit();
  stack->next_free = static_cast<Stack*>(cache.first);
  cache.first = stack;
  ++cache.count;
}

std::uint64_t UnguardedStacks() { return unguarded.load(std::memory_order_relaxed); }

}  // namespace stranded::internal
