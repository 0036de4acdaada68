#include "runtime_hooks/scheduler/stack_pool.h"

#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <atomic>
#include <bit>
#include <cerrno>
#include <cstring>
#include <new>
#include <string>

#include "runtime_hooks/registry/growing_mapping.h"
#include "runtime_hooks/registry/lasting_memory.h"
#include "runtime_hooks/registry/prefetch.h"
#include "runtime_hooks/registry/thread_block.h"
#include "runtime_hooks/scheduler/sanitizers.h"
#include "stranded/errors.h"
#include "stranded/internal/spin_lock.h"

namespace stranded::internal {
namespace {

constexpr std::size_t kPage = 4096;
constexpr int kMadvGuardInstall = 102;                // Linux 6.13
constexpr int kMadvPopulateWrite = 23;                // Linux 5.14
constexpr long kProcessMadvise = 440;                 // the system call, on all processors
constexpr std::size_t kBatch = 64;                    // stacks made at once
constexpr std::size_t kAheadBatch = 32;               // by a worker that has nothing else to do
constexpr std::size_t kEnoughAhead = 128;             // stacks
constexpr std::size_t kMostMapped = 4096;             // stacks, 1 GiB of addresses
constexpr std::size_t kLarge = std::size_t{1} << 20;  // stacks from here on are made one by one
constexpr std::uint64_t kMprotectBudget = 16000;      // half of the usual vm.max_map_count, 2 each
constexpr int kClasses = 16;                          // 16 KiB << class
// Small enough for a shallow task to stay within one page.
constexpr std::size_t kShallowBytes = 640;
constexpr std::size_t kColours = 8, kColourBytes = 192;

char* MapStacks(std::size_t bytes) {
  void* const mapped = mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                            MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (mapped == MAP_FAILED) return nullptr;
  // A huge page per stack would turn 4 KiB of use into 2 MiB.
  madvise(mapped, bytes, MADV_NOHUGEPAGE);
  return static_cast<char*>(mapped);
}

struct SizeClass {
  SpinLock lock;
  Stack* free ABSL_GUARDED_BY(lock) = nullptr;
  // How many are free; relaxed, a hint. Written with the lock held.
  std::atomic<std::size_t> free_count{0};
  std::atomic<bool> refilled{false};  // once; relaxed, a hint
  GrowingMapping addresses{&MapStacks};
};
SizeClass classes[kClasses];
std::atomic<std::uint64_t> unguarded{0};
std::atomic<std::uint64_t> mprotected{0};
std::atomic<bool> guard_install_works{true};

void Count(SizeClass& pool, std::size_t more) ABSL_EXCLUSIVE_LOCKS_REQUIRED(pool.lock) {
  pool.free_count.store(pool.free_count.load(std::memory_order_relaxed) + more,
                        std::memory_order_relaxed);
}

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

// From `first` to `last`, all of one size.
void GiveBack(Stack* first, Stack* last, std::size_t count) {
  SizeClass& pool = classes[ClassOf(first->bytes)];
  SpinGuard guard(pool.lock);
  last->next_free = pool.free;
  pool.free = first;
  Count(pool, count);
}

// Makes stacks of one class and puts them into its pool.
void Make(SizeClass& pool, std::size_t bytes, std::size_t count) {
  const std::size_t each = bytes + kPage;
  const std::size_t batch = each * count;
  char* const memory =
      pool.addresses.Take(batch, batch, bytes >= kLarge ? batch : each * kMostMapped);
  if (memory == nullptr) ThrowNoRoom(bytes);
  const bool guarded = AdviseAll(memory, each, count, kMadvGuardInstall);
  // Whoever needs many will use these too: a page fault each would cost more.
  if (pool.refilled.exchange(true, std::memory_order_relaxed)) {
    AdviseAll(memory + each - kPage, each, count, kMadvPopulateWrite);
  }
  auto* stacks = new (TakeForGood(sizeof(Stack) * count)) Stack[count];
  for (std::size_t i = 0; i < count; ++i) {
    char* base = memory + i * each;
    if (!guarded) Guard(base);
    stacks[i].low = base + kPage;
    stacks[i].bytes = static_cast<std::uint32_t>(bytes);
    stacks[i].colour = static_cast<std::uint32_t>(i % kColours * kColourBytes);
    RegisterStackMemory(stacks[i].low, bytes);  // without the guard: that must not be read
  }
  for (std::size_t i = 1; i < count; ++i) stacks[i - 1].next_free = &stacks[i];
  GiveBack(&stacks[0], &stacks[count - 1], count);
}

Stack* TakeFrom(SizeClass& pool) {
  SpinGuard guard(pool.lock);
  Stack* stack = pool.free;
  if (stack == nullptr) return nullptr;
  pool.free = stack->next_free;
  Count(pool, std::size_t{0} - 1);
  return stack;
}

constexpr int kUsualClass = ClassOf(kDefaultStackBytes * kStackFactor);

// Relaxed: a hint. Whoever finds no stack left wants others to make some; once for each time that
// there are enough again, somebody is called.
enum Ahead : int { kEnough, kWanted, kCalled };
std::atomic<int> ahead{kEnough};
std::atomic<bool> making_ahead{false};     // one thread at a time
std::atomic<std::uint64_t> made_ahead{0};  // stacks; relaxed, a count

void WantAhead() {
  int enough = kEnough;
  ahead.compare_exchange_strong(enough, kWanted, std::memory_order_relaxed);
}

Stack* TakeOrMap(int index) {
  SizeClass& pool = classes[index];
  for (;;) {
    if (Stack* stack = TakeFrom(pool)) return stack;
    const std::size_t bytes = std::size_t{16384} << index;
    if (index == kUsualClass && pool.refilled.load(std::memory_order_relaxed)) WantAhead();
    Make(pool, bytes, bytes >= kLarge ? 1 : kBatch);
  }
}

ThreadCache& MyCache() { return Here()->caches[static_cast<int>(CacheKind::kStack)]; }

void Spill(ThreadCache& cache, std::uint32_t count) {
  auto* const first = static_cast<Stack*>(cache.first);
  Stack* last = first;
  for (std::uint32_t i = 1; i < count; ++i) last = last->next_free;
  cache.first = last->next_free;
  cache.count -= count;
  GiveBack(first, last, count);
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

Stack* AllocStackSlowly(std::size_t bytes) {
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

void FreeStackSlowly(Stack* stack) {
  if (stack->bytes != kUsualBytes) return GiveBack(stack, stack, 1);
  ThreadCache& cache = MyCache();
  if (cache.count == ThreadCache::kMost) Spill(cache, ThreadCache::kBatch);
  if (cache.count == 0) SpillAtThreadExit();
  stack->next_free = static_cast<Stack*>(cache.first);
  cache.first = stack;
  ++cache.count;
}

bool CallForStacks() {
  if (ahead.load(std::memory_order_relaxed) != kWanted) return false;
  ahead.store(kCalled, std::memory_order_relaxed);
  return true;
}

bool MakeStacksAhead() {
  if (ahead.load(std::memory_order_relaxed) == kEnough) return false;
  SizeClass& pool = classes[kUsualClass];
  if (pool.free_count.load(std::memory_order_relaxed) >= kEnoughAhead) {
    ahead.store(kEnough, std::memory_order_relaxed);
    return false;
  }
  if (making_ahead.exchange(true, std::memory_order_acquire)) return false;
  bool made = true;
  try {
    Make(pool, kUsualBytes, kAheadBatch);
    made_ahead.fetch_add(kAheadBatch, std::memory_order_relaxed);
  } catch (const std::exception&) {  // no room: whoever needs one will be told
    ahead.store(kEnough, std::memory_order_relaxed);
    made = false;
  }
  making_ahead.store(false, std::memory_order_release);  // pairs with the exchange
  return made;
}

std::uint64_t StacksMadeAhead() { return made_ahead.load(std::memory_order_relaxed); }

std::uint64_t UnguardedStacks() { return unguarded.load(std::memory_order_relaxed); }

}  // namespace stranded::internal
