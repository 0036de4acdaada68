#include "runtime_hooks/scheduler/run_queue.h"

#include <algorithm>

#include "runtime_hooks/registry/prefetch.h"
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
  if (new_ - old_ > kVeryMany) {
    if (new_ % kTogether == 0 && new_ != fetched_at_) BringMany();
    return;
  }
  Prefetch(ring_[(new_ - 3) & (capacity_ - 1)]);
  Prefetch(ring_[(new_ - 1) & (capacity_ - 1)]->sp);
}

bool RunQueue::Give(Task* const* tasks, std::size_t count) {
  lock_.Enter();
  if (closed_) {
    lock_.Leave();
    return false;
  }
  while (new_ - old_ + count > capacity_) Grow();
  for (std::size_t i = count; i-- > 0;) ring_[--old_ & (capacity_ - 1)] = tasks[i];
  size_.store(static_cast<std::size_t>(new_ - old_), std::memory_order_relaxed);
  lock_.Leave();
  return true;
}

// One at a time, the processor would wait for each: page walks and misses of several overlap. What
// a task keeps on a shallow stack, then the records of the tasks after these.
void RunQueue::BringMany() {
  constexpr std::size_t kStack = 640, kRecord = sizeof(Task);
  fetched_at_ = new_;
  for (std::uint64_t i = 1; i <= kTogether; ++i) {
    const Task* task = ring_[(new_ - i) & (capacity_ - 1)];
    PrefetchBytes(task->sp, kStack);
    Prefetch(task->stack);
  }
  for (std::uint64_t i = kTogether + 1; i <= 2 * kTogether; ++i) {
    PrefetchBytes(ring_[(new_ - i) & (capacity_ - 1)], kRecord);
  }
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
