// What the sanitizers must be told about fibers; empty in ordinary builds. Detected, not
// configured.
#ifndef STRANDED_RUNTIME_HOOKS_SCHEDULER_SANITIZERS_H_
#define STRANDED_RUNTIME_HOOKS_SCHEDULER_SANITIZERS_H_

#include <cstddef>

#if defined(__SANITIZE_ADDRESS__)
#define STRANDED_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define STRANDED_ASAN 1
#endif
#endif
#if defined(__SANITIZE_THREAD__)
#define STRANDED_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define STRANDED_TSAN 1
#endif
#endif

#ifdef STRANDED_ASAN
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#include <sanitizer/lsan_interface.h>
#endif
#ifdef STRANDED_TSAN
#include <sanitizer/tsan_interface.h>
#endif

namespace stranded::internal {

#if defined(STRANDED_ASAN) || defined(STRANDED_TSAN)
inline constexpr std::size_t kStackFactor = 4;  // instrumented frames are larger
#else
inline constexpr std::size_t kStackFactor = 1;
#endif

// What hangs only on a parked stack is not a leak in LeakSanitizer's sense.
inline void RegisterStackMemory([[maybe_unused]] void* memory, [[maybe_unused]] std::size_t bytes) {
#ifdef STRANDED_ASAN
  __lsan_register_root_region(memory, bytes);
#endif
}

inline void UnpoisonStack([[maybe_unused]] void* low, [[maybe_unused]] std::size_t bytes) {
#ifdef STRANDED_ASAN
  __asan_unpoison_memory_region(low, bytes);
#endif
}

}  // namespace stranded::internal

#endif  // STRANDED_RUNTIME_HOOKS_SCHEDULER_SANITIZERS_H_
