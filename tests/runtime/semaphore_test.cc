#include "stranded/semaphore.h"

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

#include "stranded/errors.h"
#include "stranded/gtest.h"
#include "stranded/mutex.h"
#include "stranded/wait_group.h"
#include "tests/runtime/sync_test_support.h"

namespace stranded {
namespace {

using internal::WaitKind;

// All units are there again: nothing was lost and nothing made up.
void ExpectAllFree(Semaphore& sem, std::int64_t limit) {
  ASSERT_TRUE(sem.TryAcquire(limit));
  EXPECT_FALSE(sem.TryAcquire(1));
  sem.Release(limit);
  EXPECT_THROW(sem.Release(1), MisuseError);
}

TEST(Semaphore, NeverGivesOutMoreThanItsLimit) {
  Semaphore sem(5);
  Mutex mu;
  std::int64_t out = 0;
  WaitGroup wg;
  for (int t = 0; t < 8; ++t) {
    wg.Go([&, t] {
      const std::int64_t n = 1 + t % 4;
      for (int i = 0; i < 20; ++i) {
        ASSERT_TRUE(sem.Acquire(Background(), n).ok());
        {
          MutexLock lock(mu);
          out += n;
          EXPECT_LE(out, 5);
        }
        this_task::Yield();
        {
          MutexLock lock(mu);
          out -= n;
        }
        sem.Release(n);
      }
    });
  }
  wg.Wait();
  ExpectAllFree(sem, 5);
}

TEST(Semaphore, ALargeRequestAtTheFrontIsNotOvertaken) {
  Semaphore sem(3);
  ASSERT_TRUE(sem.Acquire(Background(), 2).ok());
  std::vector<int> order;
  TaskHandle large = Go([&] {
    ASSERT_TRUE(sem.Acquire(Background(), 3).ok());
    order.push_back(3);
    sem.Release(3);
  });
  AwaitParked(large.Id(), WaitKind::kSemaphoreAcquire);
  EXPECT_FALSE(sem.TryAcquire(1));
  TaskHandle small = Go([&] {
    ASSERT_TRUE(sem.Acquire(Background(), 1).ok());
    order.push_back(1);
    sem.Release(1);
  });
  AwaitParked(small.Id(), WaitKind::kSemaphoreAcquire);
  sem.Release(2);
  large.Join();
  small.Join();
  EXPECT_EQ(order, (std::vector<int>{3, 1}));
}

TEST(Semaphore, GivesUpWhenTheContextEnds) {
  Semaphore sem(1);
  ASSERT_TRUE(sem.TryAcquire());
  auto [ctx, cancel] = WithCancel(Background());
  absl::Status got;
  TaskHandle waiter = Go([&, ctx = ctx] { got = sem.Acquire(ctx); });
  const internal::WaitRecord wait = AwaitParked(waiter.Id(), WaitKind::kSemaphoreAcquire);
  EXPECT_EQ(wait.done_context, ctx.node());
  EXPECT_EQ(wait.sync->counter, 0);
  EXPECT_EQ(wait.sync->limit, 1);
  EXPECT_EQ(wait.sync->waiters.size(), 1u);
  cancel();
  waiter.Join();
  EXPECT_TRUE(absl::IsCancelled(got));
  sem.Release();
  ExpectAllFree(sem, 1);
}

TEST(Semaphore, AnEndedContextGetsNothing) {
  Semaphore sem(1);
  auto [ctx, cancel] = WithCancel(Background());
  cancel();
  EXPECT_TRUE(absl::IsCancelled(sem.Acquire(ctx)));
  ExpectAllFree(sem, 1);
}

TEST(Semaphore, TimesOut) {
  Semaphore sem(1);
  ASSERT_TRUE(sem.TryAcquire());
  auto [ctx, cancel] = WithTimeout(Background(), absl::Milliseconds(5));
  EXPECT_TRUE(absl::IsDeadlineExceeded(sem.Acquire(ctx)));
  cancel();
  sem.Release();
  ExpectAllFree(sem, 1);
}

TEST(Semaphore, ARequestThatGivesUpLetsThoseBehindItIn) {
  Semaphore sem(2);
  ASSERT_TRUE(sem.Acquire(Background(), 1).ok());
  auto [ctx, cancel] = WithCancel(Background());
  TaskHandle large = Go([&, ctx = ctx] { EXPECT_FALSE(sem.Acquire(ctx, 2).ok()); });
  AwaitParked(large.Id(), WaitKind::kSemaphoreAcquire);
  TaskHandle small = Go([&] { EXPECT_TRUE(sem.Acquire(Background(), 1).ok()); });
  AwaitParked(small.Id(), WaitKind::kSemaphoreAcquire);
  cancel();
  large.Join();
  small.Join();
  sem.Release(2);
  ExpectAllFree(sem, 2);
}

TEST(Semaphore, ARequestAboveTheLimitWaitsForTheContextAndSaysSo) {
  Semaphore sem(3);
  auto [ctx, cancel] = WithCancel(Background());
  absl::Status got;
  TaskHandle waiter = Go([&, ctx = ctx] { got = sem.Acquire(ctx, 5); });
  AwaitParked(waiter.Id(), WaitKind::kSemaphoreAcquire);
  EXPECT_TRUE(sem.TryAcquire(3)) << "it must not stand in the way of others";
  sem.Release(3);
  EXPECT_FALSE(waiter.Finished());
  cancel();
  waiter.Join();
  EXPECT_TRUE(absl::IsCancelled(got));
  EXPECT_NE(std::string(got.message()).find("5 units wanted of a semaphore that has 3"),
            std::string::npos)
      << got;
}

TEST(Semaphore, NoUnitIsLostWhenGrantAndCancellationRace) {
  for (int i = 0; i < 100; ++i) {
    Semaphore sem(2);
    ASSERT_TRUE(sem.Acquire(Background(), 2).ok());
    auto [ctx, cancel] = WithCancel(Background());
    WaitGroup wg;
    for (int t = 0; t < 3; ++t) {
      wg.Go([&, ctx = ctx] {
        if (sem.Acquire(ctx, 1).ok()) sem.Release(1);
      });
    }
    wg.Go([&] { sem.Release(2); });
    wg.Go([cancel = cancel] { cancel(); });
    wg.Wait();
    ExpectAllFree(sem, 2);
  }
}

TEST(Semaphore, MisuseThrows) {
  Semaphore sem(2);
  EXPECT_THROW(sem.Release(1), MisuseError);
  EXPECT_THROW(sem.Release(-1), MisuseError);
  EXPECT_THROW(static_cast<void>(sem.Acquire(Background(), -1)), MisuseError);
  EXPECT_THROW(sem.TryAcquire(-1), MisuseError);
  EXPECT_THROW(Semaphore(-1), MisuseError);
  ExpectAllFree(sem, 2);
}

TEST(Semaphore, ZeroUnitsAreAlwaysThereUnlessOthersWait) {
  Semaphore sem(0);
  EXPECT_TRUE(sem.Acquire(Background(), 0).ok());
  sem.Release(0);
  EXPECT_FALSE(sem.TryAcquire(1));
}

TEST(Semaphore, AnAcquireThatNobodyCanServeIsADeadEnd) {
  ExpectDeadEnd();
  Semaphore sem(1);
  ASSERT_TRUE(sem.TryAcquire());
  auto [ctx, cancel] = WithCancel(Background());
  EXPECT_THROW(static_cast<void>(sem.Acquire(ctx)), GlobalDeadlockError);
  cancel();
  sem.Release();
  ExpectAllFree(sem, 1);
}

// The wait has two ends; the second must still be safe when the object of the first is gone.
TEST(Semaphore, AWaiterOfADestroyedSemaphoreStillGivesUpWithItsContext) {
  std::optional<Semaphore> sem;
  sem.emplace(1);
  ASSERT_TRUE(sem->TryAcquire());
  auto [ctx, cancel] = WithCancel(Background());
  absl::Status got[2];
  std::vector<TaskHandle> waiters;
  for (int i = 0; i < 2; ++i) {
    waiters.push_back(
        Go([&sem = *sem, &got = got[i], ctx = ctx, n = 1 + i] { got = sem.Acquire(ctx, n); }));
    AwaitParked(waiters.back().Id(), WaitKind::kSemaphoreAcquire);
  }
  sem.reset();
  cancel();
  for (const TaskHandle& w : waiters) w.Join();
  EXPECT_TRUE(absl::IsCancelled(got[0]));
  EXPECT_TRUE(absl::IsCancelled(got[1]));
}

}  // namespace
}  // namespace stranded
