// The clock and the timers of a pool: one thread that sleeps until the next is due. It is woken
// only when something is due before it would wake up by itself: a timer that is taken out leaves
// its sleep as it is, so that timeouts that are set and cancelled all the time wake nobody.
#include <algorithm>
#include <chrono>
#include <utility>

#include "runtime_hooks/recorder/state_table.h"
#include "runtime_hooks/registry/prefetch.h"
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
  NoteTime(now);
  return now;
}

std::int64_t PoolWorld::NextDue() {
  std::lock_guard lock(timer_mutex_);
  if (firing_) return INT64_MIN;
  return timers_.empty() ? INT64_MAX : timers_.top()->due_ns;
}

// The lock is held, but for the time of the allocation.
void PoolWorld::MakeRoomForTimer(std::unique_lock<TimerLock>& lock) {
  while (timers_.full()) {
    const std::size_t wanted = std::max<std::size_t>(64, 2 * timers_.size());
    lock.unlock();
    std::vector<TimerEntry*> larger;
    larger.reserve(wanted);
    lock.lock();
    if (timers_.size() < wanted) timers_.MoveTo(larger);
    lock.unlock();
    larger = {};
    lock.lock();
  }
}

void PoolWorld::AddTimer(TimerEntry* timer) {
  bool start = false, wake = false;
  {
    std::unique_lock lock(timer_mutex_);
    if (timers_.full()) [[unlikely]]
      MakeRoomForTimer(lock);
    timer->world = this;
    timer->armed = true;
    start = !std::exchange(timer_thread_runs_, true);
    wake = timer->due_ns < timer_sleep_until_;
    if (wake) timer_sleep_until_ = timer->due_ns;
    timers_.Push(timer);
  }
  if (start) StartRuntimeThread([this] { RunTimers(); }).detach();
  if (wake) timer_wake_.notify_one();
}

bool PoolWorld::RemoveTimer(TimerEntry* timer) {
  bool last = false;
  {
    std::lock_guard lock(timer_mutex_);
    if (!timer->armed) return false;
    timer->armed = false;
    timers_.Remove(timer);
    last = timers_.empty() && Stopped();
  }
  if (last) [[unlikely]]
    timer_wake_.notify_one();
  return true;
}

void PoolWorld::RunTimers() {
  std::unique_lock lock(timer_mutex_);
  for (;;) {
    if (timers_.empty() && Stopped()) break;
    const std::int64_t now = NowNs();
    TimerEntry* next = timers_.empty() ? nullptr : timers_.top();
    if (next == nullptr || next->due_ns > now) {
      SleepTimers(lock, next == nullptr ? INT64_MAX : next->due_ns, now);
      continue;
    }
    timers_.Remove(next);
    next->armed = false;
    firing_ = true;
    lock.unlock();
    if (tracing.load(std::memory_order_relaxed)) RecordTime(now);
    next->fire(next);
    lock.lock();
    firing_ = false;
  }
  timer_thread_runs_ = false;
}

// Until `due`, or until what was due when it was last woken: an earlier end of the sleep that is
// still ahead is kept, so that the next timeout of the same length need not wake this thread.
void PoolWorld::SleepTimers(std::unique_lock<TimerLock>& lock, std::int64_t due, std::int64_t now) {
  if (timer_sleep_until_ <= now || timer_sleep_until_ > due) timer_sleep_until_ = due;
  if (timer_sleep_until_ == INT64_MAX) {
    timer_wake_.wait(lock);
  } else {
    timer_wake_.wait_until(lock, AsTime(timer_sleep_until_));
  }
}

// A few at a time: whoever sets a timeout meanwhile does not wait for all of them. One that changes
// its place in the heap between two looks may be told twice or not at all; what waits for it says
// by itself that it is armed.
void PoolWorld::ForEachTimer(void (*f)(const TimerEntry&, void*), void* arg) {
  constexpr std::size_t kTogether = 64;
  std::vector<TimerEntry> copies;
  copies.reserve(kTogether);
  for (std::size_t at = 0;; at += copies.size()) {
    copies.clear();
    {
      std::lock_guard lock(timer_mutex_);
      const std::vector<TimerEntry*>& all = timers_.entries();
      const std::size_t end = std::min(all.size(), at + kTogether);
      for (std::size_t i = at; i < end; ++i) Prefetch(all[i]);
      for (std::size_t i = at; i < end; ++i) copies.push_back(*all[i]);
    }
    if (copies.empty()) return;
    for (const TimerEntry& t : copies) f(t, arg);
  }
}

}  // namespace stranded::internal
