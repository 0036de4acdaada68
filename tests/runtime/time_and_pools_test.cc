// Virtual time beside pools, whose work takes real time.
#include <gtest/gtest.h>
#include <time.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <optional>
#include <thread>

#include "stranded/channel.h"
#include "stranded/context.h"
#include "stranded/internal/check_support.h"
#include "stranded/select.h"
#include "stranded/task.h"
#include "stranded/time.h"

namespace stranded {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr milliseconds kWork{10};

void Compute(milliseconds time) {
  for (const auto until = steady_clock::now() + time; steady_clock::now() < until;) {
  }
}

// Whether what a pool answers after `work` comes before a timeout in virtual time.
bool IsInTime(absl::Duration timeout, const std::function<void(const Context&)>& work) {
  internal::ControlledWorld* const world = internal::EnterControlledWorld("beside a pool", 1);
  std::optional<bool> in_time;
  {
    Pool pool({.workers = 1, .name = "works"});
    auto [ctx, cancel] = WithTimeout(Background(), timeout);
    const Chan<int> answers(1);
    const TaskHandle answerer = pool.Go(ctx, [ctx = ctx, answers, &work] {
      work(ctx);
      answers.Send(1);
    });
    Select(OnRecv(answers, [&](std::optional<int>) { in_time = true; }),
           OnDone(ctx, [&] { in_time = false; }));
    cancel();
    answerer.Join();
  }
  internal::LeaveControlledWorld(world);
  return in_time.value();
}

TEST(TimeAndPools, WorkIsInTime) {
  EXPECT_TRUE(IsInTime(absl::Hours(1), [](const Context&) { Compute(kWork); }));
}

TEST(TimeAndPools, ASleepIsInTime) {
  EXPECT_TRUE(IsInTime(absl::Hours(1),
                       [](const Context&) { this_task::SleepFor(absl::FromChrono(kWork)); }));
}

TEST(TimeAndPools, ASystemCallIsInTime) {
  EXPECT_TRUE(IsInTime(absl::Hours(1), [](const Context&) {
    const BlockingRegion region;
    const timespec pause{0, std::chrono::nanoseconds(kWork).count()};
    nanosleep(&pause, nullptr);
  }));
}

TEST(TimeAndPools, WhatSleepsForLongerIsNot) {
  EXPECT_FALSE(IsInTime(absl::Milliseconds(10), [](const Context& ctx) {
    Select(OnRecv(After(absl::Minutes(10)), [](std::optional<absl::Time>) {}), OnDone(ctx, [] {}));
  }));
}

TEST(TimeAndPools, APollingTaskWaitsForWork) {
  internal::ControlledWorld* const world = internal::EnterControlledWorld("polls", 1);
  {
    Pool pool({.workers = 1, .name = "works"});
    auto [ctx, cancel] = WithTimeout(Background(), absl::Hours(1));
    const Chan<int> answers(1);
    const TaskHandle answerer = pool.Go(ctx, [answers] {
      Compute(kWork);
      answers.Send(1);
    });
    bool came = false;
    while (!came && ctx.Err().ok()) {
      came = static_cast<bool>(answers.TryRecv());
      if (!came) this_task::Yield();
    }
    EXPECT_TRUE(came);
    cancel();
    answerer.Join();
  }
  internal::LeaveControlledWorld(world);
}

TEST(TimeAndPools, AThreadThatIsNoTaskWakesAMainThatIsAlone) {
  internal::ControlledWorld* const world = internal::EnterControlledWorld("waits", 1);
  {
    const Chan<int> answers;
    std::thread works([answers] {
      Compute(kWork);
      answers.Send(1);
    });
    EXPECT_EQ(answers.Recv(), 1);
    works.join();
  }
  internal::LeaveControlledWorld(world);
}

// A second in all (outside_ms), however often time passes.
TEST(TimeAndPools, TimePassesBesideATaskThatGoesOnForEver) {
  internal::ControlledWorld* const world = internal::EnterControlledWorld("has patience", 1);
  {
    Pool pool({.workers = 1, .name = "spins"});
    std::atomic<bool> over{false};
    const TaskHandle spins = pool.Go([&over] {
      while (!over.load(std::memory_order_relaxed)) this_task::Yield();
    });
    for (int i = 0; i < 1000; ++i) this_task::SleepFor(absl::Minutes(1));
    over = true;
    spins.Join();
  }
  internal::LeaveControlledWorld(world);
}

}  // namespace
}  // namespace stranded
