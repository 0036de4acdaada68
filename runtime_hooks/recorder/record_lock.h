// Writing one record of the state table so that a reader notices.
//
// Overview: a sequence lock: the number is odd while the record is written. Thread safety: one
// writer at a time, except with Shared, which waits for another one. Invariants: after a SIGKILL in
// between the number stays odd, and the reader leaves the record out. Ownership: of the scope.
#ifndef STRANDED_RUNTIME_HOOKS_RECORDER_RECORD_LOCK_H_
#define STRANDED_RUNTIME_HOOKS_RECORDER_RECORD_LOCK_H_

#include <atomic>
#include <cstdint>

namespace stranded::internal {

class RecordLock {
 public:
  struct Shared {};
  __attribute__((always_inline)) explicit RecordLock(std::uint32_t& seq)
      : seq_(seq), before_(seq_.load(std::memory_order_relaxed)) {
    seq_.store(before_ + 1, std::memory_order_relaxed);
    // Release: what is written comes after the odd number; pairs with the fence of the reader.
    std::atomic_thread_fence(std::memory_order_release);
  }
  RecordLock(std::uint32_t& seq, Shared)
      : seq_(seq), before_(seq_.load(std::memory_order_relaxed) & ~1u) {
    while (!seq_.compare_exchange_weak(before_, before_ + 1, std::memory_order_acquire)) {
      before_ &= ~1u;
    }
    std::atomic_thread_fence(std::memory_order_release);
  }
  RecordLock(const RecordLock&) = delete;
  RecordLock& operator=(const RecordLock&) = delete;
  __attribute__((always_inline)) ~RecordLock() {
    seq_.store(before_ + 2, std::memory_order_release);
  }

 private:
  std::atomic_ref<std::uint32_t> seq_;
  std::uint32_t before_;  // even
};

}  // namespace stranded::internal

#endif  // STRANDED_RUNTIME_HOOKS_RECORDER_RECORD_LOCK_H_
