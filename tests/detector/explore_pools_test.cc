// Tasks of pools beside an explored world: they sleep, or are in a system call, and come back.
#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <functional>

#include "stranded/explore.h"
#include "stranded/stranded.h"

namespace stranded {
namespace {

ExploreResult Few(const std::function<void()>& body) {
  ExploreOptions options;
  options.schedules = 5;
  options.stop_at_first = false;
  return Explore(options, body);
}

// What `answers` does in a pool ends the wait of the body, or of a task that the body leaves.
void ExpectClean(const std::function<void(const Chan<int>&)>& answers) {
  const ExploreResult waits = Few([&] {
    Pool pool({.workers = 1, .name = "pool"});
    const Chan<int> answer;
    const TaskHandle task = pool.Go([&] { answers(answer); });
    answer.Recv();
    task.Join();
  });
  EXPECT_TRUE(waits.clean()) << waits.ToText();
  Pool pool({.workers = 1, .name = "outer"});
  const ExploreResult leaves = Few([&] {
    const Chan<int> answer;
    pool.Go([&answers, answer] { answers(answer); });
    Go([answer] { answer.Recv(); });
  });
  EXPECT_TRUE(leaves.clean()) << leaves.ToText();
}

TEST(ExplorePools, ATaskThatSleepsComesBack) {
  ExpectClean([](const Chan<int>& answer) {
    this_task::SleepFor(absl::Milliseconds(20));
    answer.Send(1);
  });
}

TEST(ExplorePools, ATimeoutComesBack) {
  ExpectClean([](const Chan<int>& answer) {
    auto [ctx, cancel] = WithTimeout(Background(), absl::Milliseconds(20));
    ctx.Done().Recv();
    answer.Send(1);
    cancel();
  });
}

TEST(ExplorePools, ASystemCallComesBack) {
  ExpectClean([](const Chan<int>& answer) {
    {
      const BlockingRegion region;
      usleep(20000);
    }
    answer.Send(1);
  });
}

// It does not help that a pool sleeps which was there before: that goes on whatever happens here.
TEST(ExplorePools, WhatWasThereBeforeIsNotWaitedFor) {
  Pool before({.workers = 1, .name = "before"});
  std::atomic<bool> stop{false};
  std::atomic<int> beats{0};
  const TaskHandle heart = before.Go([&] {
    for (; !stop; ++beats) this_task::SleepFor(absl::Milliseconds(2));
  });
  while (beats < 2) usleep(1000);  // the pool's threads are there by then

  const ExploreResult stuck = Few([] { Chan<int>().Recv(); });
  ASSERT_FALSE(stuck.clean());
  EXPECT_EQ(stuck.bad()->report.findings()[0].verdict(), "proven") << stuck.ToText();
  stop = true;
  heart.Join();
}

}  // namespace
}  // namespace stranded
