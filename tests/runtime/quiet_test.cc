// When a world of threads is quiet.
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <latch>
#include <optional>
#include <semaphore>
#include <source_location>
#include <thread>
#include <vector>

#include "runtime_hooks/scheduler/world.h"
#include "stranded/channel.h"
#include "stranded/errors.h"
#include "stranded/gtest.h"
#include "stranded/internal/check_support.h"
#include "stranded/leak_check.h"
#include "stranded/mutex.h"
#include "stranded/select.h"
#include "stranded/task.h"
#include "stranded/time.h"

namespace stranded {
namespace {

// A timer that is on its way to its task is neither pending nor has it made the task ready yet: it
// must not look as if nothing came any more.
TEST(Quiet, ATaskThatSleepsAndRunsIsWaitedFor) {
  for (int round = 0; round < 60; ++round) {
    std::atomic<bool> done{false};
    const TaskHandle task = Go([&] {
      for (int i = 0; i < 30; ++i) this_task::SleepFor(absl::Microseconds(100));
      done = true;
    });
    internal::WaitUntilQuiet(nullptr, absl::Seconds(20));
    EXPECT_TRUE(done);
    task.Join();
  }
}

// Its task runs and parks before the timer's thread is back from it.
TEST(Quiet, ATimerThatHasJustGoneOffIsNoReasonToGiveUp) {
  constexpr int kTasks = 3, kRounds = 200;
  if (!internal::WaitUntilQuiet(nullptr, absl::Seconds(1))) GTEST_SKIP() << "timers of other tests";
  for (int round = 0; round < kRounds; ++round) {
    Chan<int> never;
    std::vector<TaskHandle> tasks;
    for (int i = 0; i < kTasks; ++i) {
      tasks.push_back(Go([never] {
        this_task::SleepFor(absl::Microseconds(300));
        never.Recv();
      }));
    }
    EXPECT_TRUE(internal::WaitUntilQuiet(nullptr, absl::Seconds(20))) << "round " << round;
    never.Close();
    for (const TaskHandle& task : tasks) task.Join();
  }
}

// A worker that was called and finds nothing to do counts until it sleeps again: what was quiet
// stays so.
TEST(Quiet, StaysQuiet) {
  internal::World* const world = internal::CurrentWorld();
  if (!world->UsesThreads()) GTEST_SKIP() << "about pools";
  if (!internal::WaitUntilQuiet(nullptr, absl::Seconds(1))) GTEST_SKIP() << "timers of other tests";
  for (int round = 0; round < 300; ++round) {
    Chan<int> never;
    std::vector<TaskHandle> tasks;
    for (int i = 0; i < 4; ++i) tasks.push_back(Go([never] { never.Recv(); }));
    ASSERT_TRUE(internal::WaitUntilQuiet(nullptr, absl::Seconds(20))) << "round " << round;
    for (int look = 0; look < 500; ++look) {
      const internal::WorldFacts facts = world->Facts();
      ASSERT_TRUE(facts.quiet) << "round " << round << ", running " << facts.running;
    }
    never.Close();
    for (const TaskHandle& task : tasks) task.Join();
  }
}

// Whoever will send lives in the pool of the check, the receiver in one that is idle meanwhile.
TEST(Quiet, ATaskOfAnotherPoolMayStillSend) {
  if (internal::InControlledWorld()) GTEST_SKIP() << "about pools";
  Chan<int> values, go;
  Pool pool({.workers = 1, .name = "receives"});
  const TaskHandle receiver = pool.Go([values] { values.Recv(); });
  const TaskHandle sender = Go([values, go] {
    const Timer late(absl::Hours(1));
    Select(OnRecv(go), OnRecv(late.C()));
    values.Send(1);
  });
  this_task::SleepFor(absl::Milliseconds(5));
  LeakCheckOptions options;
  options.grace = absl::Milliseconds(10);
  const LeakReport report = FindLeaks(options);
  // Tests before this one leave tasks behind on purpose.
  for (const Finding& finding : report.findings()) {
    EXPECT_FALSE(finding.wait_site().file.ends_with("quiet_test.cc")) << report.ToText();
  }
  go.Send(1);
  sender.Join();
  receiver.Join();
}

// Nobody can receive its tick any more.
TEST(Quiet, ATimerNobodyHoldsIsNoSignOfLife) {
  ExpectDeadEnd();
  { const Timer forgotten(absl::Hours(1)); }
  After(absl::Hours(1));
  Chan<int> never;
  EXPECT_THROW(never.Recv(), GlobalDeadlockError);
}

// Whoever holds it is blocked elsewhere: its ticks come for ever and wake nobody.
TEST(Quiet, ATickerNobodyWaitsForIsNoSignOfLife) {
  ExpectDeadEnd();
  const Ticker slow(absl::Milliseconds(60)), fast(absl::Milliseconds(1));
  const Timer once(absl::Hours(1));
  fast.C().Recv();
  Chan<int> never;
  EXPECT_THROW(never.Recv(), GlobalDeadlockError);
  EXPECT_TRUE(fast.C().Recv().has_value());
}

TEST(Quiet, ATickerSomebodyWaitsForIsASignOfLife) {
  const Ticker ticker(absl::Milliseconds(150));
  Chan<int> values;
  const TaskHandle task = Go([&ticker, values] {
    for (int i = 0; i < 3; ++i) Select(OnRecv(ticker.C(), [](std::optional<absl::Time>) {}));
    values.Send(1);
  });
  EXPECT_TRUE(values.Recv().has_value());
  task.Join();
}

TEST(Quiet, AnEndlessSleepIsNoSignOfLife) {
  ExpectDeadEnd();
  EXPECT_THROW(this_task::SleepFor(absl::InfiniteDuration()), GlobalDeadlockError);
}

TEST(Quiet, AnExpectedDeadEndMayLeaveTheTest) {
  ExpectDeadEnd();
  Chan<int> never;
  never.Recv();
  ADD_FAILURE() << "came back";
}

// The check waits for the tasks of other pools, too.
TEST(Quiet, AScopeWithATaskAtWorkInAnotherPoolIsGivenTime) {
  if (internal::InControlledWorld()) GTEST_SKIP() << "about pools";
  Pool pool({.workers = 1, .name = "works"});
  LeakScope scope("scope");
  Chan<int> never;
  pool.Go([] { this_task::SleepFor(absl::Milliseconds(20)); });
  const LeakReport report = scope.Check();
  EXPECT_TRUE(report.clean()) << report.ToText();
}

// A controlled test sees what it left in a pool, too, and the pool's task is told apart from one
// that is only slower than the test.
TEST(Quiet, ATaskLeftInAPoolIsFound) {
  LeakScope scope("scope");
  Chan<int> never;
  std::source_location left;
  Pool pool({.workers = 1, .name = "keeps"});
  pool.Go([never, &left] {
    left = std::source_location::current();
    never.Recv();
  });
  const LeakReport report = scope.Check();
  ASSERT_EQ(report.findings().size(), 1U) << report.ToText();
  EXPECT_EQ(report.findings()[0].rule(), "abandoned-recv");
  EXPECT_EQ(report.findings()[0].wait_site().line, left.line() + 1);
  never.Close();
}

TEST(Quiet, ATaskOfAPoolMayWakeOneOfTheTest) {
  LeakScope scope("scope");
  Chan<int> values;
  Pool pool({.workers = 1, .name = "sends"});
  Go([values] { values.Recv(); });
  pool.Go([values] {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    values.Send(1);
  });
  const LeakReport report = scope.Check();
  EXPECT_TRUE(report.clean()) << report.ToText();
}

// What becomes ready in a pool that was shut down never runs: nobody waits for it.
TEST(Quiet, ATaskOfAPoolThatIsGoneIsNotWaitedFor) {
  if (!internal::InControlledWorld()) GTEST_SKIP() << "about controlled worlds";
  ExpectLeak("outlived-scope");
  Chan<int> values;
  Pool pool({.workers = 1, .name = "gone"});
  pool.Go([values] { values.Send(1); });
  EXPECT_FALSE(pool.Shutdown(absl::Milliseconds(20)).clean);
  EXPECT_EQ(values.Recv(), 1);
  EXPECT_TRUE(internal::WaitUntilQuiet(nullptr, absl::Seconds(1)));
}

// Two that are always ready, until a timeout comes: time moves although nobody waits.
TEST(Quiet, TasksThatNeverWaitSeeTheirTimeout) {
  Chan<int> values(1);
  auto [ctx, cancel] = WithTimeout(Background(), absl::Milliseconds(5));
  const TaskHandle produces = Go(ctx, [values, ctx = ctx] {
    while (ctx.Err().ok()) values.Send(ctx, 1).IgnoreError();
  });
  const TaskHandle consumes = Go(ctx, [values, ctx = ctx] {
    while (ctx.Err().ok()) values.Recv(ctx).status().IgnoreError();
  });
  produces.Join();
  consumes.Join();
  cancel();
}

// Also alone: the first loop without a timer, the second without a poll.
TEST(Quiet, ALoopThatOnlyLooksAtTheClockComesToItsEnd) {
  const absl::Time end = Now() + absl::Milliseconds(5);
  while (Now() < end) this_task::Yield();
  auto [ctx, cancel] = WithTimeout(Background(), absl::Milliseconds(5));
  Mutex lock;
  while (ctx.Err().ok()) {
    lock.Lock();
    lock.Unlock();
  }
  cancel();
}

// ... and long work is not interrupted by one that is far away.
TEST(Quiet, LongWorkDoesNotMeetALongTimeout) {
  if (!internal::InControlledWorld()) GTEST_SKIP() << "about virtual time";
  Chan<int> values;
  auto [ctx, cancel] = WithTimeout(Background(), absl::Seconds(30));
  const TaskHandle produces = Go(ctx, [values] {
    for (int i = 0; i < 60000; ++i) values.Send(i);
  });
  for (int i = 0; i < 60000; ++i) values.Recv();
  produces.Join();
  EXPECT_TRUE(ctx.Err().ok());
  cancel();
}

// In a world beside a thread that is no task and may yet act.
template <class F>
void BesideAThread(F f) {
  auto* const world = internal::EnterControlledWorld("beside", 1);
  {
    std::binary_semaphore over(0);
    std::thread thread([&over] { over.acquire(); });
    f();
    over.release();
    thread.join();
  }
  internal::LeaveControlledWorld(world);
}

// The number of steps that a check allows is 200,000, of which the last one may be the last of all.
TEST(Quiet, ThreadsAreLookedForAlsoAtTheLastStep) {
  if (internal::InControlledWorld()) GTEST_SKIP() << "makes a world of its own";
  for (int sends = 99'998; sends <= 100'000; ++sends) {
    BesideAThread([sends] {
      const Chan<int> later;
      const TaskHandle waits = Go([sends, later] {
        const Chan<int> own(1);
        for (int i = 0; i < sends; ++i) {
          own.Send(i);
          own.Recv();
        }
        later.Recv();
      });
      internal::WaitUntilQuiet(nullptr, absl::Seconds(1));
      const internal::WorldFacts facts = internal::CurrentWorld()->Facts();
      EXPECT_EQ(facts.external, facts.quiet ? 1u : 0u) << sends;
      later.Close();
      waits.Join();
    });
  }
}

TEST(Quiet, ThreadsBesideADeadEndAreKnownWhileACheckWaits) {
  if (internal::InControlledWorld()) GTEST_SKIP() << "makes a world of its own";
  ExpectDeadEnd();
  BesideAThread([] {
    EXPECT_THROW(Chan<int>().Recv(), GlobalDeadlockError);
    internal::World* const world = internal::CurrentWorld();
    std::thread looks([world] {
      internal::WorldFacts facts = world->Facts();
      while (facts.quiet) facts = world->Facts();
      EXPECT_TRUE(facts.deadlock);
      EXPECT_GE(facts.external, 1u);
    });
    internal::WaitUntilQuiet(nullptr, absl::Seconds(1));
    looks.join();
  });
}

// The threads of a pool end, and others begin, just as a world is entered: they are nobody from
// outside. One that the program itself starts is, also in the place of another that has ended.
TEST(Quiet, ThreadsOfPoolsAreNoStrangersWhenTheyComeAndGo) {
  if (internal::InControlledWorld()) GTEST_SKIP() << "makes a world of its own";
  for (int i = 0; i < 20; ++i) {
    std::optional<Pool> before(PoolOptions{.workers = 2, .name = "before"});
    before->Go([] {}).Join();
    before.reset();
    Pool starts(PoolOptions{.workers = 2, .name = "starts"});
    TaskHandle first = starts.Go([] {});
    auto* const world = internal::EnterControlledWorld("threads", 1);
    const Chan<int> never;
    const TaskHandle waits = Go([never] { never.Recv(); });
    EXPECT_TRUE(internal::WaitUntilQuiet(nullptr, absl::Seconds(1)));
    EXPECT_EQ(internal::CurrentWorld()->Facts().external, 0u) << i;
    never.Close();
    waits.Join();
    internal::LeaveControlledWorld(world);
    first.Join();
  }
}

TEST(Quiet, AThreadInThePlaceOfAnotherIsAStranger) {
  if (internal::InControlledWorld()) GTEST_SKIP() << "makes a world of its own";
  std::latch leave(1);
  std::thread old([&] { leave.wait(); });
  auto* const world = internal::EnterControlledWorld("threads", 1);
  leave.count_down();
  old.join();
  std::latch over(1);
  std::thread other([&] { over.wait(); });
  const Chan<int> never;
  const TaskHandle waits = Go([never] { never.Recv(); });
  EXPECT_TRUE(internal::WaitUntilQuiet(nullptr, absl::Seconds(1)));
  EXPECT_EQ(internal::CurrentWorld()->Facts().external, 1u);
  never.Close();
  waits.Join();
  over.count_down();
  other.join();
  internal::LeaveControlledWorld(world);
}

void RunFor(std::chrono::milliseconds time) {
  const auto until = std::chrono::steady_clock::now() + time;
  while (std::chrono::steady_clock::now() < until) std::this_thread::yield();
}

// A task of a pool starts a thread while the world waits for it, and is over: the thread is waited
// for. Both take their time, for whoever does not wait to go wrong.
TEST(Quiet, AThreadThatAPoolStartsMeanwhileMayStillSend) {
  if (internal::InControlledWorld()) GTEST_SKIP() << "makes a world of its own";
  Pool pool(PoolOptions{.workers = 1, .name = "starts"});
  auto* const world = internal::EnterControlledWorld("late thread", 1);
  const Chan<int> values;
  std::thread sender;
  const TaskHandle starts = pool.Go([&] {
    RunFor(std::chrono::milliseconds(20));
    sender = std::thread([&] {
      RunFor(std::chrono::milliseconds(50));
      values.Send(1);
    });
  });
  EXPECT_EQ(values.Recv(), 1);
  starts.Join();
  sender.join();
  internal::LeaveControlledWorld(world);
}

}  // namespace
}  // namespace stranded
