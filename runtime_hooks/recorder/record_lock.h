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
  explicit RecordLock(std::uint32_t& seq) : seq_(seq) {
    const std::uint32_t now = seq_.load(std::memory_order_relaxed);
    seq_.store(now + 1, std::memory_order_relaxed);
    // Release: what is written comes after the odd number; pairs with the fence of the reader.
    std::atomic_thread_fence(std::memory_order_release);
  }
  RecordLock(std::uint32_t& seq, Shared) : seq_(seq) {
    std::uint32_t now = seq_.load(std::memory_order_relaxed) & ~1u;
    while (!seq_.compare_exchange_weak(now, now + 1, std::memory_order_acquire)) now &= ~1u;
    std::atomic_thread_fence(std::memory_order_release);
  }
  RecordLock(const RecordLock&) = delete;
  RecordLock& operator=(const RecordLock&) = delete;
  ~RecordLock() { seq_.store(seq_.load(std::memory_order_relaxed) + 1, std::memory_order_release); }

 private:
  std::atomic_ref<std::uint32_t> seq_;
};

}  // namespace stranded::internal

#endif  // STRANDED_RUNTIME_HOOKS_RECORDER_RECORD_LOCK_H_
