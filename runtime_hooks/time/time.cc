#include "stranded/time.h"

#include <tuple>

#include "runtime_hooks/time/timer_core.h"
#include "stranded/errors.h"

namespace stranded {
namespace {

std::int64_t Ns(absl::Duration d) { return absl::ToInt64Nanoseconds(d); }

void Point(const std::source_location& loc) {
  std::ignore =
      internal::SchedulePoint(internal::CurrentTask(), internal::WaitKind::kNone, nullptr, loc);
}

std::int64_t CheckedPeriod(absl::Duration period) {
  if (Ns(period) <= 0) throw MisuseError("a ticker needs a period above zero");
  return Ns(period);
}

}  // namespace

absl::Time Now() {
  static constexpr char kClock = 0;
  internal::Look(&kClock);
  return absl::FromUnixNanos(internal::NowNs());
}

Receiver<absl::Time> After(absl::Duration d, std::source_location loc) { return Timer(d, loc).C(); }

Timer::Timer(absl::Duration d, std::source_location loc) : core_(internal::NewTickTimer(loc)) {
  core_->Arm(Ns(d));
}

const Receiver<absl::Time>& Timer::C() const { return core_->channel; }

bool Timer::Stop() const {
  Point(core_->site);
  return core_->Disarm();
}

bool Timer::Reset(absl::Duration d) const {
  Point(core_->site);
  return core_->Rearm(Ns(d), 0);
}

Timer TimerFunc(absl::Duration d, std::function<void()> f, std::source_location loc) {
  Timer timer(internal::NewFuncTimer(std::move(f), loc));
  timer.core_->Arm(Ns(d));
  return timer;
}

Ticker::Ticker(absl::Duration period, std::source_location loc) {
  const std::int64_t ns = CheckedPeriod(period);
  core_ = internal::NewTickTimer(loc);
  {
    internal::SpinGuard guard(core_->lock);
    core_->period_ns = ns;
  }
  core_->Arm(ns);
}

const Receiver<absl::Time>& Ticker::C() const { return core_->channel; }

void Ticker::Stop() const {
  Point(core_->site);
  core_->Disarm();
}

void Ticker::Reset(absl::Duration period) const {
  const std::int64_t ns = CheckedPeriod(period);
  Point(core_->site);
  core_->Rearm(ns, ns);
}

}  // namespace stranded
