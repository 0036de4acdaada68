#include "runtime_hooks/scheduler/run_queue.h"

#include <algorithm>

#include "runtime_hooks/scheduler/task.h"

namespace stranded::internal {
namespace {
constexpr std::size_t kFirst = 256;
}

RunQueue::RunQueue() : ring_(new Task*[kFirst]), capacity_(kFirst) {}

void RunQueue::Grow() {
  std::unique_ptr<Task*[]> larger(new Task*[capacity_ * 2]);
  for (std::uint64_t i = old_; i != new_; ++i) {
    larger[i & (capacity_ * 2 - 1)] = ring_[i & (capacity_ - 1)];
  }
  ring_ = std::move(larger);
  capacity_ *= 2;
}

void RunQueue::BringNear() {
  __builtin_prefetch(ring_[(new_ - 3) & (capacity_ - 1)], 1);
  __builtin_prefetch(ring_[(new_ - 1) & (capacity_ - 1)]->sp, 1);
}

void RunQueue::Give(Task* const* tasks, std::size_t count) {
  lock_.Enter();
  while (new_ - old_ + count > capacity_) Grow();
  for (std::size_t i = count; i-- > 0;) ring_[--old_ & (capacity_ - 1)] = tasks[i];
  size_.store(static_cast<std::size_t>(new_ - old_), std::memory_order_relaxed);
  lock_.Leave();
}

std::size_t RunQueue::Steal(Task** out, std::size_t most) {
  lock_.Enter();
  const auto there = static_cast<std::size_t>(new_ - old_);
  const std::size_t count = std::min(most, (there + 1) / 2);
  for (std::size_t i = 0; i < count; ++i) out[i] = ring_[old_++ & (capacity_ - 1)];
  size_.store(there - count, std::memory_order_relaxed);
  lock_.Leave();
  return count;
}

}  // namespace stranded::internal
