// What others do while a task is in a blocking call.
#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <vector>

#include "stranded/channel.h"
#include "stranded/context.h"
#include "stranded/internal/check_support.h"
#include "stranded/mutex.h"
#include "stranded/task.h"
#include "stranded/time.h"
#include "stranded/wait_group.h"

namespace stranded {
namespace {

TEST(BlockingRegion, LetsOthersRun) {
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  TaskHandle reader = Go([&] {
    char byte = 0;
    BlockingRegion region;
    EXPECT_EQ(read(ends[0], &byte, 1), 1);
  });
  // With one worker this task runs only if another thread stands in for the one that reads; in a
  // controlled world, only if it goes first.
  TaskHandle writer = Go([&] { EXPECT_EQ(write(ends[1], "x", 1), 1); });
  reader.Join();
  writer.Join();
  close(ends[0]);
  close(ends[1]);
}

// ... which may wait for it in turn, without end.
TEST(BlockingRegion, IsEnteredThoughOthersGoOn) {
  if (!internal::InControlledWorld()) GTEST_SKIP() << "one worker would loop for ever";
  std::atomic<bool> over{false};
  Mutex lock;
  std::vector<TaskHandle> others;
  for (int i = 0; i < 2; ++i) {
    others.push_back(Go([&] {
      while (!over) MutexLock held(lock);
    }));
  }
  for (int i = 0; i < 2; ++i) {
    others.push_back(Go([&, i] {
      while (!over) {
        if (i == 0) {
          this_task::Yield();
        } else {
          this_task::SleepFor(absl::Milliseconds(1));
        }
      }
    }));
  }
  const TaskHandle first = Go([] { const BlockingRegion region; });
  const TaskHandle second = Go([&] {
    { const BlockingRegion region; }
    first.Join();
    over = true;
  });
  for (const TaskHandle& task : others) task.Join();
  second.Join();
}

TEST(BlockingRegion, IsEnteredThoughMoreOfThemCome) {
  std::atomic<bool> over{false};
  WaitGroup tasks;
  while (!over) {
    tasks.Go([&] {
      const BlockingRegion region;
      over = true;
    });
    this_task::Yield();
  }
  tasks.Wait();
}

// Others go first where it begins, and may set their own.
TEST(BlockingRegion, LeavesErrnoAsItIs) {
  const TaskHandle other = Go([] { errno = ERANGE; });
  errno = EDOM;
  {
    const BlockingRegion region;
    EXPECT_EQ(errno, EDOM);
  }
  EXPECT_EQ(errno, EDOM);
  other.Join();
}

TEST(BlockingRegion, TakesNoTime) {
  if (!internal::InControlledWorld()) GTEST_SKIP() << "about virtual time";
  auto [ctx, cancel] = WithTimeout(Background(), absl::Milliseconds(1));
  const absl::Time before = Now();
  { const BlockingRegion region; }
  EXPECT_EQ(Now(), before);
  EXPECT_TRUE(ctx.Err().ok());
  cancel();
}

// A poll loop. The check behind the test, too, waits for it no longer than for anybody else.
TEST(BlockingRegion, TimePassesAlthoughADaemonIsAlwaysInOne) {
  if (!internal::InControlledWorld()) GTEST_SKIP() << "about virtual time";
  const TaskHandle polls = Go({.name = "polls", .daemon = true}, [] {
    for (;;) {
      const BlockingRegion region;
      usleep(1000);
    }
  });
  const absl::Time before = Now();
  this_task::SleepFor(absl::Hours(1));
  EXPECT_EQ(Now() - before, absl::Hours(1));
  Chan<int> late;
  Go([late] {
    this_task::SleepFor(absl::Seconds(1));
    late.Send(1);
  });
  EXPECT_EQ(late.Recv(), 1);
  EXPECT_FALSE(polls.Finished());
}

// It may take its time, but not much more than a second of it.
TEST(BlockingRegion, ADaemonThatLoopsOverThemIsWaitedForAWhile) {
  if (!internal::InControlledWorld()) GTEST_SKIP() << "about virtual time";
  Chan<int> polled;
  Go({.name = "polls", .daemon = true}, [polled] {
    for (int i = 0;; ++i) {
      {
        const BlockingRegion region;
        usleep(1000);
      }
      if (i == 50) polled.Send(i);
    }
  });
  auto [ctx, cancel] = WithTimeout(Background(), absl::Hours(1));
  EXPECT_EQ(polled.Recv(ctx).value(), 50);
  cancel();
}

}  // namespace
}  // namespace stranded
