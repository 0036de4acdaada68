#include "runtime_hooks/registry/lasting_memory.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstdint>
#include <new>

#include "stranded/internal/spin_lock.h"

// Of LeakSanitizer, in a program that has it.
// NOLINTNEXTLINE(bugprone-reserved-identifier)
extern "C" __attribute__((weak)) void __lsan_register_root_region(const void*, std::size_t);

namespace stranded::internal {
namespace {

constexpr std::size_t kLine = 64, kHugePage = std::size_t{2} << 20;
constexpr std::size_t kFirst = std::size_t{512} << 10, kMost = std::size_t{64} << 20;
// From here on a huge page more or less is little beside what there is.
constexpr std::size_t kHugeFrom = std::size_t{8} << 20;

SpinLock lock;
char* unused ABSL_GUARDED_BY(lock) = nullptr;
char* unused_end ABSL_GUARDED_BY(lock) = nullptr;
std::size_t mapped ABSL_GUARDED_BY(lock) = 0;

std::size_t RoundUp(std::size_t value, std::size_t to) { return (value + to - 1) / to * to; }

char* Map(std::size_t bytes) {
  void* memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  return memory == MAP_FAILED ? nullptr : static_cast<char*>(memory);
}

// What is left of the last mapping is lost: addresses, no memory.
void MapMore(std::size_t least) ABSL_EXCLUSIVE_LOCKS_REQUIRED(lock) {
  // LeakSanitizer reads all of it.
  const bool scanned = __lsan_register_root_region != nullptr;
  std::size_t bytes = scanned ? kFirst : std::clamp(mapped, kFirst, kMost);
  bytes = RoundUp(std::max(bytes, least), kFirst);
  const bool huge = bytes >= kHugeFrom;
  const std::size_t spare = huge ? kHugePage : 0;
  char* memory = Map(bytes + spare);
  if (memory == nullptr) {
    bytes = RoundUp(least, std::size_t{4096});
    memory = Map(bytes);
    if (memory == nullptr) throw std::bad_alloc();
  } else if (huge) {
    memory += RoundUp(reinterpret_cast<std::uintptr_t>(memory), kHugePage) -
              reinterpret_cast<std::uintptr_t>(memory);
    madvise(memory, bytes, MADV_HUGEPAGE);  // where the kernel will not, small ones do
  }
  if (scanned) __lsan_register_root_region(memory, bytes);
  mapped += bytes;
  unused = memory;
  unused_end = memory + bytes;
}

}  // namespace

void* TakeForGood(std::size_t bytes) {
  bytes = RoundUp(bytes, kLine);
  SpinGuard guard(lock);
  if (static_cast<std::size_t>(unused_end - unused) < bytes) MapMore(bytes);
  char* const taken = unused;
  unused += bytes;
  return taken;
}

}  // namespace stranded::internal
