// Timers with Go 1.23's meaning.
#include "stranded/time.h"

#include <gtest/gtest.h>

#include <atomic>
#include <optional>
#include <vector>

#include "stranded/errors.h"
#include "stranded/gtest.h"
#include "stranded/internal/check_support.h"
#include "stranded/options.h"
#include "stranded/select.h"
#include "stranded/sync.h"
#include "stranded/task.h"

namespace stranded {
namespace {

TEST(Time, ATimerTicksOnceAfterItsTime) {
  const absl::Time before = Now();
  const Timer timer(absl::Milliseconds(10));
  const std::optional<absl::Time> tick = timer.C().Recv();
  ASSERT_TRUE(tick.has_value());
  EXPECT_GE(*tick - before, absl::Milliseconds(10));
  EXPECT_TRUE(timer.C().TryRecv().empty());
  EXPECT_FALSE(timer.Stop());
}

TEST(Time, AfterStopNoTickComes) {
  const Timer timer(absl::Milliseconds(5));
  EXPECT_TRUE(timer.Stop());
  EXPECT_FALSE(timer.Stop());
  this_task::SleepFor(absl::Milliseconds(10));
  EXPECT_TRUE(timer.C().TryRecv().empty());
}

// The tick of before is not received after Stop() or Reset(), even if it lay in the channel.
TEST(Time, NoStaleTick) {
  const Timer timer(absl::Milliseconds(1));
  this_task::SleepFor(absl::Milliseconds(5));
  EXPECT_TRUE(timer.Stop());
  EXPECT_TRUE(timer.C().TryRecv().empty());
  timer.Reset(absl::Milliseconds(1));
  this_task::SleepFor(absl::Milliseconds(5));
  const absl::Time reset = Now();
  EXPECT_TRUE(timer.Reset(absl::Milliseconds(20)));
  EXPECT_GE(*timer.C().Recv() - reset, absl::Milliseconds(20));
}

TEST(Time, StopAndTickRace) {
  for (int round = 0; round < 30; ++round) {
    const Timer timer(absl::Microseconds(50));
    this_task::SleepFor(absl::Microseconds(50));
    const bool stopped = timer.Stop();
    (void)stopped;  // either answer is right; what matters is the next line
    EXPECT_TRUE(timer.C().TryRecv().empty());
  }
}

TEST(Time, ManyTimersAtOnceAllTick) {
  std::vector<Timer> timers;
  for (int i = 0; i < 500; ++i) timers.emplace_back(absl::Microseconds(1000 + 7 * (i % 50)));
  for (int i = 0; i < 500; i += 5) timers[static_cast<std::size_t>(i)].Stop();
  for (int i = 0; i < 500; ++i) {
    if (i % 5 == 0) continue;
    EXPECT_TRUE(timers[static_cast<std::size_t>(i)].C().Recv().has_value());
  }
}

// Whoever sleeps until the first of them is due does so although it is gone, and no longer.
TEST(Time, ATimerAfterOneThatWasStopped) {
  for (int round = 0; round < 20; ++round) {
    EXPECT_TRUE(Timer(absl::Milliseconds(2)).Stop());
    EXPECT_TRUE(Timer(absl::Hours(1)).Stop());
    EXPECT_TRUE(After(absl::Microseconds(100)).Recv().has_value());
    const Timer later(absl::Milliseconds(3));
    EXPECT_TRUE(later.C().Recv().has_value());
  }
}

TEST(Time, AfterInASelect) {
  Chan<int> never;
  EXPECT_EQ(Select(OnRecv(never), OnRecv(After(absl::Milliseconds(3)))), 1U);
}

TEST(Time, ATickerTicksAndDropsWhatNobodyTakes) {
  const Ticker ticker(absl::Milliseconds(10));
  ticker.C().Recv();
  this_task::SleepFor(absl::Milliseconds(55));
  EXPECT_TRUE(ticker.C().TryRecv().value.has_value());
  EXPECT_TRUE(ticker.C().TryRecv().empty());
  ticker.C().Recv();
  ticker.Stop();
  this_task::SleepFor(absl::Milliseconds(30));
  EXPECT_TRUE(ticker.C().TryRecv().empty());
}

TEST(Time, ATickerThatNobodyHoldsEnds) {
  { const Ticker ticker(absl::Milliseconds(1)); }
  this_task::SleepFor(absl::Milliseconds(10));
}

TEST(Time, ATickerNeedsAPeriod) { EXPECT_THROW(Ticker{absl::ZeroDuration()}, MisuseError); }

TEST(Time, TimerFuncRunsInATaskOfItsOwn) {
  Chan<TaskId> ran(1);
  const Timer timer = TimerFunc(absl::Milliseconds(2), [ran] { ran.Send(this_task::Id()); });
  EXPECT_TRUE(timer.C().IsNil());
  EXPECT_NE(*ran.Recv(), this_task::Id());
  EXPECT_FALSE(timer.Stop());
}

TEST(Time, AStoppedTimerFuncDoesNotRun) {
  std::atomic<int> ran{0};
  const Timer timer = TimerFunc(absl::Milliseconds(5), [&] { ++ran; });
  EXPECT_TRUE(timer.Stop());
  this_task::SleepFor(absl::Milliseconds(10));
  EXPECT_EQ(ran, 0);
}

TEST(Time, ResetFromManyTasks) {
  const Timer timer(absl::Hours(1));
  WaitGroup wg;
  for (int t = 0; t < 4; ++t) {
    wg.Go([&] {
      for (int i = 0; i < 50; ++i) timer.Reset(absl::Microseconds(100 + i));
    });
  }
  wg.Wait();
  timer.C().Recv();
  EXPECT_TRUE(timer.C().TryRecv().empty());
}

TEST(Time, ATimerOutlivesItsWorld) {
  if (internal::InControlledWorld()) GTEST_SKIP() << "it goes on in the default pool";
  std::optional<Timer> timer;
  std::atomic<int> calls{0};
  std::optional<Timer> function;
  std::optional<Timer> stopped;
  internal::ControlledWorld* world = internal::EnterControlledWorld("short", 1);
  stopped.emplace(absl::Hours(1));
  stopped->Stop();
  timer.emplace(absl::Hours(1));
  function.emplace(TimerFunc(absl::Hours(1), [&calls] { ++calls; }));
  EXPECT_EQ(internal::LeaveControlledWorld(world), 0U);
  stopped->Reset(absl::Milliseconds(1));
  EXPECT_TRUE(stopped->C().Recv().has_value());
  EXPECT_FALSE(timer->Stop());
  timer->Reset(absl::Milliseconds(1));
  EXPECT_TRUE(timer->C().Recv().has_value());
  function->Reset(absl::Milliseconds(1));
  timer->Reset(absl::Milliseconds(20));
  timer->C().Recv();
  while (calls == 0) this_task::Yield();
}

TEST(Time, ForEverDoesNotWrapAround) {
  const Timer timer(absl::InfiniteDuration());
  this_task::SleepFor(absl::Milliseconds(5));
  EXPECT_TRUE(timer.C().TryRecv().empty());
  EXPECT_TRUE(timer.Stop());
}

TEST(Time, ASleepForEverDoesNotEnd) {
  IgnoreLeaks("time_test.cc");
  std::atomic<bool> woke{false};
  Pool pool({.workers = 1, .name = "sleeps for ever"});
  pool.Go([&] {
    this_task::SleepFor(absl::InfiniteDuration());
    woke = true;
  });
  EXPECT_EQ(pool.Shutdown(absl::Milliseconds(20)).left, 1U);
  EXPECT_FALSE(woke);
}

}  // namespace
}  // namespace stranded
