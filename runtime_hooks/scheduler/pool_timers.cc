// The clock and the timers of a pool: one thread that sleeps until the next is due.
#include <chrono>
#include <utility>

#include "runtime_hooks/scheduler/pool_world.h"

namespace stranded::internal {
namespace {

std::chrono::system_clock::time_point AsTime(std::int64_t ns) {
  return std::chrono::system_clock::time_point(std::chrono::nanoseconds(ns));
}

}  // namespace

std::int64_t PoolWorld::NowNs() {
  const std::int64_t now = std::chrono::duration_cast<std::chrono::nanoseconds>(
                               std::chrono::system_clock::now().time_since_epoch())
                               .count();
  coarse_ns_.store(now, std::memory_order_relaxed);
  return now;
}

std::int64_t PoolWorld::NextDue() {
  std::lock_guard lock(timer_mutex_);
  return timers_.empty() ? INT64_MAX : timers_.top()->due_ns;
}

void PoolWorld::AddTimer(TimerEntry* timer) {
  std::lock_guard lock(timer_mutex_);
  timer->world = this;
  timer->armed = true;
  timers_.Push(timer);
  if (!std::exchange(timer_thread_runs_, true)) std::thread([this] { RunTimers(); }).detach();
  if (timers_.top() == timer) timer_wake_.notify_one();
}

bool PoolWorld::RemoveTimer(TimerEntry* timer) {
  std::lock_guard lock(timer_mutex_);
  if (!timer->armed) return false;
  timer->armed = false;
  timers_.Remove(timer);
  if (timers_.empty() && Stopped()) timer_wake_.notify_one();
  return true;
}

void PoolWorld::RunTimers() {
  const RuntimeThread counted;
  std::unique_lock lock(timer_mutex_);
  for (;;) {
    if (timers_.empty()) {
      if (Stopped()) break;
      timer_wake_.wait(lock);
      continue;
    }
    TimerEntry* next = timers_.top();
    if (next->due_ns > NowNs()) {
      timer_wake_.wait_until(lock, AsTime(next->due_ns));
      continue;
    }
    timers_.Remove(next);
    next->armed = false;
    firing_ = true;
    lock.unlock();
    next->fire(next);
    lock.lock();
    firing_ = false;
  }
  timer_thread_runs_ = false;
}

void PoolWorld::ForEachTimer(void (*f)(const TimerEntry&, void*), void* arg) {
  std::lock_guard lock(timer_mutex_);
  for (const TimerEntry* t : timers_.entries()) f(*t, arg);
}

}  // namespace stranded::internal
