// Bringing memory into the processor's cache before it is needed.
//
// Overview: a hint for one line, or for some in a row. Several misses overlap, page walks included,
// if their hints come together; one hint at a time gains little where each needs a page walk.
// Thread safety: any thread, any address. Invariants: no effect that a program can see. Ownership:
// none.
#ifndef STRANDED_RUNTIME_HOOKS_REGISTRY_PREFETCH_H_
#define STRANDED_RUNTIME_HOOKS_REGISTRY_PREFETCH_H_

#include <cstddef>

namespace stranded::internal {

inline constexpr std::size_t kCacheLine = 64;

// Not __builtin_prefetch: a function of nothing else is pure to GCC, and calls of it are dropped.
inline void Prefetch(const void* line) {
#if defined(__x86_64__)
  asm volatile("prefetcht0 %0" : : "m"(*static_cast<const char*>(line)));
#else
  asm volatile("" : : "r"(line));
  __builtin_prefetch(line, 1);
#endif
}

inline void PrefetchBytes(const void* from, std::size_t bytes) {
  for (std::size_t at = 0; at < bytes; at += kCacheLine) {
    Prefetch(static_cast<const char*>(from) + at);
  }
}

}  // namespace stranded::internal

#endif  // STRANDED_RUNTIME_HOOKS_REGISTRY_PREFETCH_H_
