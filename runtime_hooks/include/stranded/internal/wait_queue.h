// FIFO queues of parked tasks.
//
// Overview: each object that tasks wait for has one or two of these queues; an entry lives on the
// stack of the task that waits.
// Thread safety: entries and queue are guarded by the lock of the object whose queue it is.
// Invariants: an entry is in at most one queue, and only while its task waits.
// Ownership: none; the waiting task removes its entry, or the waker does before it wakes.
#ifndef STRANDED_RUNTIME_HOOKS_INTERNAL_WAIT_QUEUE_H_
#define STRANDED_RUNTIME_HOOKS_INTERNAL_WAIT_QUEUE_H_

#include <cstdint>
#include <source_location>

namespace stranded::internal {

struct Task;

struct Waiter {
  Waiter* next = nullptr;
  Waiter* prev = nullptr;
  Task* task = nullptr;
  void* slot = nullptr;          // channels: where the value comes from or goes to
  std::uint32_t case_index = 0;  // selects
  bool is_select = false;
  bool queued = false;
  bool success = false;    // handed a value (not woken by close)
  std::uint32_t mode = 0;  // sync objects: what is wanted
  std::int64_t amount = 0;
  std::source_location site{};
  const Waiter* ahead = nullptr;  // one that came later: may be gone, only to be fetched early
};

// FIFO of waiters. Guarded by its object's lock.
class WaitQueue {
 public:
  bool empty() const { return head_ == nullptr; }
  Waiter* front() const { return head_; }
  Waiter* back() const { return tail_; }
  std::uint32_t size() const { return size_; }
  void PushBack(Waiter* w) {
    if (size_ >= kAhead) [[unlikely]]
      LookAhead(w);
    w->next = nullptr;
    w->prev = tail_;
    if (tail_ == nullptr) [[likely]] {
      head_ = w;
    } else {
      tail_->next = w;
    }
    tail_ = w;
    w->queued = true;
    ++size_;
  }
  void Remove(Waiter* w) {
    if (w == behind_) [[unlikely]]
      behind_ = nullptr;
    (w->prev ? w->prev->next : head_) = w->next;
    (w->next ? w->next->prev : tail_) = w->prev;
    w->next = w->prev = nullptr;
    w->queued = false;
    --size_;
  }
  Waiter* PopFront() {
    Waiter* w = head_;
    if (w == nullptr) return nullptr;
    if (w == behind_) [[unlikely]]
      behind_ = nullptr;
    head_ = w->next;
    if (head_ == nullptr) [[likely]] {
      tail_ = nullptr;
    } else {
      head_->prev = nullptr;
    }
    w->next = nullptr;
    w->queued = false;
    --size_;
    return w;
  }

 private:
  static constexpr std::uint32_t kAhead = 8;
  // Entries lie on the stacks of their tasks, each in cold memory of its own: whoever wakes many
  // would wait for one after the other, if each did not name one that comes some places later.
  void LookAhead(const Waiter* coming) {
    if (behind_ == nullptr) {
      behind_ = tail_;
      for (std::uint32_t i = 1; i < kAhead; ++i) behind_ = behind_->prev;
    }
    behind_->ahead = coming;
    behind_ = behind_->next;
  }

  Waiter* head_ = nullptr;
  Waiter* tail_ = nullptr;
  Waiter* behind_ = nullptr;  // the next one whose `ahead` is to be set, if there are many
  std::uint32_t size_ = 0;
};

}  // namespace stranded::internal

#endif  // STRANDED_RUNTIME_HOOKS_INTERNAL_WAIT_QUEUE_H_
