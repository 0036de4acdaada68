#include "runtime_hooks/registry/lasting_memory.h"

#include <sys/mman.h>

#include <cstdint>
#include <new>

#include "runtime_hooks/registry/growing_mapping.h"

// Of LeakSanitizer, in a program that has it.
// NOLINTNEXTLINE(bugprone-reserved-identifier)
extern "C" __attribute__((weak)) void __lsan_register_root_region(const void*, std::size_t);

namespace stranded::internal {
namespace {

constexpr std::size_t kHugePage = std::size_t{2} << 20;
constexpr std::size_t kLeast = std::size_t{512} << 10, kMost = std::size_t{64} << 20;
// From here on a huge page more or less is little beside what there is.
constexpr std::size_t kHugeFrom = std::size_t{8} << 20;

constexpr std::size_t RoundUp(std::size_t value, std::size_t to) {
  return (value + to - 1) / to * to;
}

char* Map(std::size_t bytes) {
  const bool huge = bytes >= kHugeFrom;
  void* const mapped = mmap(nullptr, bytes + (huge ? kHugePage : 0), PROT_READ | PROT_WRITE,
                            MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (mapped == MAP_FAILED) return nullptr;
  auto* memory = static_cast<char*>(mapped);
  if (huge) {
    const auto at = reinterpret_cast<std::uintptr_t>(memory);
    memory += RoundUp(at, kHugePage) - at;
    madvise(memory, bytes, MADV_HUGEPAGE);  // where the kernel will not, small ones do
  }
  if (__lsan_register_root_region != nullptr) __lsan_register_root_region(memory, bytes);
  return memory;
}

GrowingMapping records(&Map);

}  // namespace

void* TakeForGood(std::size_t bytes) {
  // LeakSanitizer reads all that is mapped.
  const std::size_t most = __lsan_register_root_region != nullptr ? kLeast : kMost;
  char* const piece = records.Take(RoundUp(bytes, kLastingAlign), kLeast, most);
  if (piece == nullptr) throw std::bad_alloc();
  return piece;
}

}  // namespace stranded::internal
