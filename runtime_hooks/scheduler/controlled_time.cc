// The clock of a controlled world.
#include <algorithm>

#include "runtime_hooks/recorder/state_table.h"
#include "runtime_hooks/scheduler/controlled_world.h"
#include "runtime_hooks/scheduler/relief.h"

namespace stranded::internal {

void ControlledWorld::AddTimer(TimerEntry* timer) {
  std::lock_guard lock(timer_mutex_);
  timer->world = this;
  timer->armed = true;
  timers_.Push(timer);
}

bool ControlledWorld::RemoveTimer(TimerEntry* timer) {
  std::lock_guard lock(timer_mutex_);
  if (!timer->armed) return false;
  timer->armed = false;
  timers_.Remove(timer);
  return true;
}

void ControlledWorld::ForEachTimer(void (*f)(const TimerEntry&, void*), void* arg) {
  std::lock_guard lock(timer_mutex_);
  for (const TimerEntry* t : timers_.entries()) f(*t, arg);
}

std::int64_t ControlledWorld::NextDue() const {
  std::lock_guard lock(timer_mutex_);
  return timers_.empty() ? INT64_MAX : timers_.top()->due_ns;
}

bool ControlledWorld::NothingAheadLocked() const {
  return std::none_of(timers_.entries().begin(), timers_.entries().end(),
                      [](const TimerEntry* t) { return t->MovesSomething(); });
}

bool ControlledWorld::NothingAhead() const {
  std::lock_guard lock(timer_mutex_);
  return NothingAheadLocked();
}

// Ticks that nobody waits for would go on for ever; all other timers come to an end.
bool ControlledWorld::TimeHelps() const {
  std::lock_guard lock(timer_mutex_);
  if (timers_.empty()) return false;
  const TimerEntry* next = timers_.top();
  return next->period_ns == 0 || next->MovesSomething() || !NothingAheadLocked();
}

bool ControlledWorld::FireNextTimer(std::int64_t until_ns) {
  TimerEntry* t = nullptr;
  {
    std::lock_guard lock(timer_mutex_);
    if (timers_.empty() || timers_.top()->due_ns > until_ns) return false;
    t = timers_.top();
    if (t->due_ns == INT64_MAX) return false;  // the end of an endless sleep
    timers_.Remove(t);
    t->armed = false;
  }
  if (t->due_ns > NowNs()) coarse_ns_.store(t->due_ns, std::memory_order_relaxed);
  fruitless_ = 0;
  steps_at_timer_ = steps_.load(std::memory_order_relaxed);
  NoteStep(CurrentTask(), WaitKind::kSleep, t->site, ScheduleStep::kTimerFires);
  if (tracing.load(std::memory_order_relaxed)) RecordTime(NowNs());
  policy_->TimePasses(NowNs(), record_.delay_ns);
  fires_timer_ = true;
  t->fire(t);
  fires_timer_ = false;
  return true;
}

// On to the next timer, as far as a check goes, unless a pool has something to say before. False if
// there is none.
bool ControlledWorld::TimePasses() {
  const std::int64_t until = checking_ ? check_until_ns_ : INT64_MAX;
  return (NextDue() <= until && WaitForOthers()) || FireNextTimer(until);
}

// Real machines are slow at times: a timer that is due soon may fire although tasks are ready.
bool ControlledWorld::MayPassTime() const {
  if (settings_.delay_budget_ns <= 0 || reclaiming_) return false;
  const std::int64_t due = NextDue();
  if (due == INT64_MAX || (checking_ && due > check_until_ns_)) return false;
  return record_.delay_ns + std::max<std::int64_t>(0, due - coarse_ns()) <=
         settings_.delay_budget_ns;
}

void ControlledWorld::DropTimers() {
  for (;;) {
    TimerEntry* t = nullptr;
    {
      std::lock_guard lock(timer_mutex_);
      if (timers_.empty()) return;
      t = timers_.top();
      timers_.Remove(t);
      t->armed = false;
    }
    if (t->drop != nullptr) t->drop(t);
  }
}

// A wait that a virtual patch ends with its task's context.
bool ControlledWorld::EndIsDue() const {
  return !awaiting_end_.empty() && !reclaiming_ && FirstAtItsEnd(awaiting_end_) != nullptr;
}

// Whoever waits there is taken out of all queues before anybody else acts, as the end of a context
// does with a Select: a value that comes later does not reach it.
Task* ControlledWorld::TakeAtItsEnd() {
  Task* const task = FirstAtItsEnd(awaiting_end_);
  Interrupt(task, WakeReason::kGiveUp);
  const auto at = std::find(ready_.begin(), ready_.end(), task);
  return at == ready_.end() ? nullptr : TakeReady(static_cast<std::size_t>(at - ready_.begin()));
}

}  // namespace stranded::internal
