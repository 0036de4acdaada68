// Time on the runtime's clock: real in a pool, virtual in a controlled world.
//
// Overview: Now, After, Timer, Ticker and TimerFunc with Go's meaning as of Go 1.23: after Stop()
// or Reset() has returned, no tick of the time before is received. SleepFor stands in task.h.
// Thread safety: everything from any task or OS thread; handles may be copied and shared.
// Invariants: a timer ticks at most once per Reset; a ticker drops ticks nobody takes.
// Errors: MisuseError for a ticker with a period that is not positive.
// Ownership: a pending timer keeps itself alive. A ticker ends when neither its handle nor its
// channel is held by anybody, or by Stop().
#ifndef STRANDED_RUNTIME_HOOKS_TIME_H_
#define STRANDED_RUNTIME_HOOKS_TIME_H_

#include <functional>
#include <memory>
#include <source_location>

#include "absl/time/time.h"
#include "stranded/channel.h"

namespace stranded {

absl::Time Now();

// A channel that gets the time once, after `d`.
Receiver<absl::Time> After(absl::Duration d,
                           std::source_location loc = std::source_location::current());

namespace internal {
struct TimerCore;
}

class Timer {
 public:
  explicit Timer(absl::Duration d, std::source_location loc = std::source_location::current());
  // A nil channel if the timer runs a function.
  const Receiver<absl::Time>& C() const;
  // True if the tick was still to come or had not been received; the function was kept from
  // running.
  bool Stop() const;
  // Starts it again for `d` from now. Returns what Stop() would have.
  bool Reset(absl::Duration d) const;

 private:
  friend Timer TimerFunc(absl::Duration d, std::function<void()> f, std::source_location loc);
  explicit Timer(std::shared_ptr<internal::TimerCore> core) : core_(std::move(core)) {}
  std::shared_ptr<internal::TimerCore> core_;
};

// Runs `f` in a task of its own after `d` (Go's time.AfterFunc).
Timer TimerFunc(absl::Duration d, std::function<void()> f,
                std::source_location loc = std::source_location::current());

class Ticker {
 public:
  explicit Ticker(absl::Duration period,
                  std::source_location loc = std::source_location::current());
  const Receiver<absl::Time>& C() const;
  void Stop() const;
  void Reset(absl::Duration period) const;

 private:
  std::shared_ptr<internal::TimerCore> core_;
};

}  // namespace stranded

#endif  // STRANDED_RUNTIME_HOOKS_TIME_H_
