// Tasks, worlds and pools.
#include "stranded/task.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "runtime_hooks/scheduler/task.h"
#include "stranded/err_group.h"
#include "stranded/gtest.h"
#include "stranded/internal/check_support.h"
#include "stranded/options.h"
#include "stranded/select.h"
#include "stranded/sync.h"
#include "stranded/time.h"

namespace stranded {
namespace {

TEST(Task, JoinWaitsAndRethrowsOnce) {
  TaskHandle task = Go([] { throw std::runtime_error("from the task"); });
  const TaskHandle copy = task;
  EXPECT_THROW(task.Join(), std::runtime_error);
  copy.Join();  // collected already
  EXPECT_TRUE(task.Finished());
}

TEST(Task, EveryTaskHasItsOwnId) {
  TaskId a, b;
  Go([&] { a = this_task::Id(); }).Join();
  Go([&] { b = this_task::Id(); }).Join();
  EXPECT_NE(a, b);
  EXPECT_NE(a, this_task::Id());
}

TEST(Task, ManyTasks) {
  WaitGroup wg;
  std::atomic<int> ran{0};
  for (int i = 0; i < 2000; ++i) wg.Go([&] { ++ran; });
  wg.Wait();
  EXPECT_EQ(ran, 2000);
}

TEST(Task, SleepersWakeInTheOrderOfTheirTimes) {
  if (GetOptions().schedule == "threads") GTEST_SKIP() << "a real clock promises no order";
  std::vector<int> order;
  WaitGroup wg;
  for (const int ms : {30, 10, 20}) {
    wg.Go([&, ms] {
      this_task::SleepFor(absl::Milliseconds(ms));
      order.push_back(ms);
    });
  }
  const absl::Time before = Now();
  wg.Wait();
  EXPECT_EQ(order, (std::vector<int>{10, 20, 30}));
  EXPECT_EQ(Now() - before, absl::Milliseconds(30));
}

TEST(Task, ALongSleepCostsNothingInVirtualTime) {
  if (GetOptions().schedule == "threads") GTEST_SKIP() << "real time";
  this_task::SleepFor(absl::Hours(24 * 365));
}

TEST(Task, PollingLetsVirtualTimeMove) {
  Chan<int> c;
  Go([c] {
    this_task::SleepFor(absl::Milliseconds(5));
    c.Send(1);
  });
  while (!c.TryRecv()) this_task::Yield();
}

TEST(Task, ChooseStaysInItsRange) {
  for (int i = 0; i < 100; ++i) EXPECT_LT(this_task::Choose(7), 7U);
  EXPECT_EQ(this_task::Choose(1), 0U);
}

TEST(Task, ThreadsSpawnAndJoinTasks) {
  std::atomic<int> ran{0};
  std::thread thread([&] {
    std::vector<TaskHandle> tasks;
    for (int i = 0; i < 20; ++i) tasks.push_back(Go([&] { ++ran; }));
    for (const TaskHandle& t : tasks) t.Join();
  });
  thread.join();
  EXPECT_EQ(ran, 20);
}

TEST(Task, APinnedTaskStaysOnItsThread) {
  TaskHandle task = Go({.name = "pinned", .daemon = false, .pinned = true}, Background(), [] {
    const std::thread::id first = std::this_thread::get_id();
    for (int i = 0; i < 50; ++i) {
      this_task::SleepFor(absl::Microseconds(20));
      EXPECT_EQ(std::this_thread::get_id(), first);
    }
  });
  task.Join();
}

// A task that stays ready runs although newer ones keep coming.
TEST(Task, NobodyStarves) {
  std::atomic<bool> ran{false}, stop{false};
  WaitGroup wg;
  wg.Go([&] {
    this_task::Yield();
    ran = true;
  });
  for (int i = 0; i < 4; ++i) {
    wg.Go([&] {
      while (!stop) {
        Go([] {}).Join();
        if (ran) stop = true;
      }
    });
  }
  wg.Wait();
  EXPECT_TRUE(ran);
}

TEST(Task, ADeadEndIsThrownInMain) {
  ExpectDeadEnd();
  Chan<int> c;
  try {
    c.Recv();
    FAIL() << "nobody could send";
  } catch (const GlobalDeadlockError& error) {
    EXPECT_NE(std::string(error.what()).find("task_test.cc"), std::string::npos);
  }
}

TEST(Task, TheTestAfterADeadEndStartsClean) {
  Chan<int> c;
  Go([c] { c.Send(1); });
  EXPECT_EQ(c.Recv(), 1);
}

TEST(Task, ADaemonIsNotReported) {
  Go({.name = "daemon", .daemon = true}, Background(), [] { Chan<int>().Recv(); });
}

// What one seed did, as text.
std::string Interleaving(std::uint64_t seed) {
  std::string text;
  std::thread thread([&] {
    internal::ControlledWorld* world = internal::EnterControlledWorld("replay", seed);
    {
      WaitGroup wg;
      Chan<int> c(1);
      for (char name = 'a'; name < 'f'; ++name) {
        wg.Go([&, name] {
          for (int i = 0; i < 5; ++i) {
            Select(OnSend(c, 1, [&] { text += name; }),
                   OnRecv(c, [&](std::optional<int>) { text += static_cast<char>(name - 32); }));
            this_task::Yield();
          }
        });
      }
      wg.Wait();
    }
    EXPECT_EQ(internal::LeaveControlledWorld(world), 0U);
  });
  thread.join();
  return text;
}

TEST(Task, TheSameSeedGivesTheSameRun) {
  EXPECT_EQ(Interleaving(42), Interleaving(42));
  EXPECT_NE(Interleaving(1) + Interleaving(2) + Interleaving(3),
            Interleaving(4) + Interleaving(5) + Interleaving(6));
}

TEST(Pool, ShutdownWaitsForItsTasks) {
  Pool pool({.workers = 3, .name = "three"});
  std::atomic<int> ran{0};
  for (int i = 0; i < 100; ++i) pool.Go([&] { ++ran; });
  const ShutdownReport report = pool.Shutdown(absl::Seconds(10));
  EXPECT_TRUE(report.clean);
  EXPECT_EQ(ran, 100);
}

// A name does not need a context: that of the spawner is inherited.
TEST(Task, OptionsAloneInheritTheContext) {
  auto [ctx, cancel] = WithCancel(Background());
  Go(ctx, [&ctx = ctx] {
    const auto look = [&ctx] {
      EXPECT_EQ(this_task::GetContext(), ctx);
      EXPECT_EQ(internal::CurrentTask()->name(), "named");
    };
    Go({.name = "named"}, look).Join();
    WaitGroup group;
    group.Go({.name = "named"}, look);
    group.Wait();
    Pool pool({.workers = 1});
    pool.Go({.name = "named"}, look).Join();
    pool.Go({.name = "named"}, ctx, look).Join();
    const auto in_background = [] { EXPECT_EQ(this_task::GetContext(), Background()); };
    Go({}, in_background).Join();
    pool.Go({}, in_background).Join();
    Go({}, ctx, [&ctx] { EXPECT_EQ(this_task::GetContext(), ctx); }).Join();
  }).Join();
  ErrGroup errors(Background());
  errors.Go({.name = "named"}, [](const Context&) {
    EXPECT_EQ(internal::CurrentTask()->name(), "named");
    return absl::OkStatus();
  });
  EXPECT_TRUE(errors.Wait().ok());
  cancel();
}

TEST(Pool, ShutdownCountsWhatIsLeft) {
  IgnoreLeaks("task_test.cc");
  auto* pool = new Pool({.workers = 1, .name = "stuck"});
  Chan<int> never;
  pool->Go([never] { never.Recv(); });
  const ShutdownReport report = pool->Shutdown(absl::Milliseconds(20));
  EXPECT_FALSE(report.clean);
  EXPECT_EQ(report.left, 1U);
  delete pool;
}

TEST(Pool, ShutdownForEverWaitsUntilTheTasksAreDone) {
  Pool pool({.workers = 1, .name = "patient"});
  std::atomic<bool> done{false};
  pool.Go([&] {
    this_task::SleepFor(absl::Milliseconds(20));
    done = true;
  });
  EXPECT_TRUE(pool.Shutdown(absl::InfiniteDuration()).clean);
  EXPECT_TRUE(done);
}

// Its worker sits in the kernel: the grace is over before it comes back.
TEST(Pool, ShutdownDoesNotWaitForASystemCall) {
  IgnoreLeaks("task_test.cc");
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  auto returned = std::make_shared<std::atomic<bool>>(false);
  Pool pool({.workers = 1, .name = "in the kernel"});
  pool.Go([in = ends[0], returned] {
    char byte = 0;
    const BlockingRegion region;
    while (read(in, &byte, 1) < 0) {
    }
    *returned = true;
  });
  EXPECT_EQ(pool.Shutdown(absl::Milliseconds(20)).left, 1U);
  EXPECT_FALSE(*returned);
  close(ends[1]);  // ends the read
}

// Newest first must not mean that the oldest never runs.
TEST(Pool, ATaskThatStaysReadyRunsSoon) {
  if (internal::InControlledWorld()) GTEST_SKIP() << "about pools";
  constexpr int kRounds = 10000;
  int ran_in_round = kRounds;
  Pool pool({.workers = 1, .name = "one"});
  pool.Go([&] {
        Chan<int> there, back;
        int round = 0;
        Go([&] { ran_in_round = round; });  // the oldest, behind two that wake each other
        const TaskHandle echo = Go([&] {
          for (const int i : there) back.Send(i);
        });
        for (; round < kRounds; ++round) {
          there.Send(round);
          back.Recv();
        }
        there.Close();
        echo.Join();
      })
      .Join();
  EXPECT_LT(ran_in_round, 200);
  EXPECT_TRUE(pool.Shutdown(absl::InfiniteDuration()).clean);
}

// The same where the queue grows all the time.
TEST(Pool, ATaskThatStaysReadyRunsAmongSpawns) {
  if (internal::InControlledWorld()) GTEST_SKIP() << "about pools";
  constexpr int kSpawns = 3000;
  int spawned = 0;
  int ran_after = kSpawns;
  Pool pool({.workers = 1, .name = "one"});
  pool.Go([&] {
        Go([&] { ran_after = spawned; });
        WaitGroup all;
        for (; spawned < kSpawns; ++spawned) all.Go([] { this_task::Yield(); });
        all.Wait();
      })
      .Join();
  EXPECT_LT(ran_after, 2500);
  EXPECT_TRUE(pool.Shutdown(absl::InfiniteDuration()).clean);
}

// A queue that is never empty and never of the same length.
struct Crowd {
  Pool pool{{.workers = 1, .name = "busy"}};
  std::atomic<bool> over{false};
  std::atomic<long> picks{0};
  int alive = 1;  // on the one worker

  void Run(std::uint32_t dice) {
    ++picks;
    dice = dice * 1664525U + 1013904223U;
    int more = (dice >> 16) % 2 == 0 ? 0 : 2;
    if (alive < 50) more = 2;
    if (alive > 400 || over) more = 0;
    alive += more - 1;
    for (int i = 0; i < more; ++i) {
      Go([this, next = dice * (i + 3)] { Run(next); });
    }
  }
};

TEST(Pool, WhatComesFromOutsideRunsSoon) {
  if (internal::InControlledWorld()) GTEST_SKIP() << "about pools";
  Crowd crowd;
  crowd.pool.Go([&] { crowd.Run(1); });
  std::vector<long> waited;
  for (int i = 0; i < 41; ++i) {
    const long before = crowd.picks;
    crowd.pool.Go([&] { waited.push_back(crowd.picks - before); }).Join();
  }
  crowd.over = true;
  EXPECT_TRUE(crowd.pool.Shutdown(absl::InfiniteDuration()).clean);
  // The median: the thread may be kept off its processor between its look and its Go.
  std::sort(waited.begin(), waited.end());
  EXPECT_LT(waited[waited.size() / 2], 500);
}

struct Tree {
  std::atomic<int> alive{0}, most{0};

  void Grow(const Chan<int>& out, int depth) {
    const int now = ++alive;
    for (int seen = most; seen < now && !most.compare_exchange_weak(seen, now);) {
    }
    int sum = 1;
    if (depth > 0) {
      const Chan<int> parts;
      for (int i = 0; i < 10; ++i) Go([this, parts, depth] { Grow(parts, depth - 1); });
      for (int i = 0; i < 10; ++i) sum += *parts.Recv();
    }
    --alive;
    out.Send(sum);
  }
};

// Breadth first, most of the tree would be alive at once.
TEST(Pool, ATreeOfTasksIsWalkedDepthFirst) {
  if (internal::InControlledWorld()) GTEST_SKIP() << "about pools";
  Tree tree;
  const Chan<int> total(1);
  Pool pool({.workers = 1, .name = "one"});
  pool.Go([&] { tree.Grow(total, 4); }).Join();
  EXPECT_EQ(*total.Recv(), 11111);
  EXPECT_LT(tree.most, 1500);
  EXPECT_TRUE(pool.Shutdown(absl::InfiniteDuration()).clean);
}

TEST(Pool, WhatWasMadeThereOutlivesIt) {
  if (internal::InControlledWorld()) GTEST_SKIP() << "about pools";
  auto [root, cancel_root] = WithCancel(Background());
  Chan<int> ran(1);
  std::optional<std::pair<Context, CancelFunc>> made;
  std::optional<std::pair<Context, CancelFunc>> soon;
  std::optional<Timer> timer;
  Pool pool({.workers = 1, .name = "short"});
  pool.Go([&, root = root] {
    made = WithTimeout(root, absl::Hours(1));
    soon = WithTimeout(root, absl::Milliseconds(30));
    timer.emplace(absl::Microseconds(1));
    timer->C().Recv();
    AfterFunc(root, [ran] { ran.Send(1); });
  });
  ASSERT_TRUE(pool.Shutdown(absl::InfiniteDuration()).clean);
  EXPECT_THROW(pool.Go([] {}), MisuseError);
  EXPECT_FALSE(soon->first.Done().Recv().has_value());
  EXPECT_TRUE(absl::IsDeadlineExceeded(soon->first.Err()));
  made->second();
  EXPECT_FALSE(timer->Stop());
  timer->Reset(absl::Milliseconds(1));
  EXPECT_TRUE(timer->C().Recv().has_value());
  cancel_root();
  EXPECT_EQ(ran.Recv(), 1);
}

}  // namespace
}  // namespace stranded
