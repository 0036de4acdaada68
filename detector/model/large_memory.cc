#include "detector/model/large_memory.h"

#include <sys/mman.h>

#include <cstdint>
#include <new>

namespace stranded::detector {
namespace {

// Addresses that begin at a multiple of kHugePage, and nothing there yet: else page tables move one
// small page at a time.
char* ReserveAligned(std::size_t bytes) {
  const std::size_t with_slack = bytes + kHugePage;
  void* const mapped =
      mmap(nullptr, with_slack, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (mapped == MAP_FAILED) throw std::bad_alloc();
  char* const begin = static_cast<char*>(mapped);
  const std::size_t before = -reinterpret_cast<std::uintptr_t>(begin) % kHugePage;
  if (before > 0) munmap(begin, before);
  munmap(begin + before + bytes, kHugePage - before);
  return begin + before;
}

}  // namespace

void* MapLarge(std::size_t bytes) {
  char* const memory = ReserveAligned(bytes);
  if (mprotect(memory, bytes, PROT_READ | PROT_WRITE) != 0) {
    munmap(memory, bytes);
    throw std::bad_alloc();
  }
  madvise(memory, bytes, MADV_HUGEPAGE);  // advice: without it pages are small
  return memory;
}

void* GrowLarge(void* memory, std::size_t bytes, std::size_t new_bytes) {
  char* const there = ReserveAligned(new_bytes);
  void* const moved = mremap(memory, bytes, new_bytes, MREMAP_MAYMOVE | MREMAP_FIXED, there);
  if (moved == MAP_FAILED) {
    munmap(there, new_bytes);
    throw std::bad_alloc();
  }
  return moved;
}

void UnmapLarge(void* memory, std::size_t bytes) { munmap(memory, bytes); }

}  // namespace stranded::detector
