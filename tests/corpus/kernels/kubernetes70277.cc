// kubernetes 70277: the poller gets its caller's stop channel, so nobody closes what main waits
// for.
#include <functional>
#include <optional>

#include "absl/cleanup/cleanup.h"
#include "absl/status/status.h"
#include "stranded/stranded.h"
#include "tests/corpus/kernel.h"

namespace stranded::corpus {
namespace {

using WaitFunc = std::function<Receiver<Unit>(const Receiver<Unit>& done)>;
using Condition = std::function<bool()>;

void Poll(absl::Duration interval, absl::Duration timeout, const Chan<Unit>& ticks,
          const Receiver<Unit>& done) {
  absl::Cleanup close = [&ticks] { ticks.Close(); };
  const Ticker ticker(interval);
  absl::Cleanup stop_ticker = [&ticker] { ticker.Stop(); };
  const Timer timer(timeout);
  absl::Cleanup stop_timer = [&timer] { timer.Stop(); };
  for (;;) {
    const std::size_t taken = Select(OnRecv(ticker.C()), OnRecv(timer.C()), OnRecv(done));
    if (taken != 0) return;
    Select(OnSend(ticks, Unit{}), Default());
  }
}

WaitFunc Poller(absl::Duration interval, absl::Duration timeout) {
  return [interval, timeout](const Receiver<Unit>& done) {
    Chan<Unit> ticks;
    Go([interval, timeout, ticks, done] { Poll(interval, timeout, ticks, done); });
    return Receiver<Unit>(ticks);
  };
}

namespace leaky {

absl::Status WaitFor(const WaitFunc& wait, const Condition& condition, const Receiver<Unit>& done) {
  const Receiver<Unit> ticks = wait(done);
  for (;;) {
    const bool open = ticks.Recv().has_value();
    if (condition()) return absl::OkStatus();
    if (!open) break;
  }
  return absl::DeadlineExceededError("the condition was not met in time");
}

void Run() {
  Chan<Unit> stop;  // fix: close_channel
  absl::Cleanup close = [stop] { stop.Close(); };
  const WaitFunc poll = Poller(absl::Milliseconds(1), absl::Seconds(20));
  Receiver<Unit> poller_done;
  const WaitFunc wait = [&](const Receiver<Unit>& done) {
    poller_done = done;
    return poll(done);
  };
  const Condition condition = [] {
    this_task::SleepFor(absl::Milliseconds(10));
    return true;
  };
  WaitFor(wait, condition, stop).IgnoreError();
  poller_done.Recv();  // blocks: chan_recv
}

}  // namespace leaky

namespace fixed {

absl::Status WaitFor(const WaitFunc& wait, const Condition& condition, const Receiver<Unit>& done) {
  Chan<Unit> finished;
  absl::Cleanup close = [finished] { finished.Close(); };
  const Receiver<Unit> ticks = wait(finished);
  for (;;) {
    bool open = false, stopped = false;
    Select(OnRecv(ticks, [&](std::optional<Unit> tick) { open = tick.has_value(); }),
           OnRecv(done, [&] { stopped = true; }));
    if (stopped) break;
    if (condition()) return absl::OkStatus();
    if (!open) break;
  }
  return absl::DeadlineExceededError("the condition was not met in time");
}

void Run() {
  Chan<Unit> stop;
  absl::Cleanup close = [stop] { stop.Close(); };
  const WaitFunc poll = Poller(absl::Milliseconds(1), absl::Seconds(20));
  Receiver<Unit> poller_done;
  const WaitFunc wait = [&](const Receiver<Unit>& done) {
    poller_done = done;
    return poll(done);
  };
  const Condition condition = [] {
    this_task::SleepFor(absl::Milliseconds(10));
    return true;
  };
  WaitFor(wait, condition, stop).IgnoreError();
  poller_done.Recv();
}

}  // namespace fixed

const Registered kRegistered("kubernetes70277", &leaky::Run, &fixed::Run);

}  // namespace
}  // namespace stranded::corpus
