#include "stranded/wait_group.h"

#include <gtest/gtest.h>

#include <atomic>
#include <optional>
#include <vector>

#include "stranded/context.h"
#include "stranded/errors.h"
#include "stranded/gtest.h"
#include "tests/runtime/sync_test_support.h"

namespace stranded {
namespace {

using internal::WaitKind;

TEST(WaitGroup, WaitReturnsAfterAllHaveFinished) {
  WaitGroup wg;
  int results[20] = {};  // plain: Done must order the writes before the return of Wait
  for (int i = 0; i < 20; ++i) {
    wg.Go([&results, i] {
      this_task::Yield();
      results[i] = i + 1;
    });
  }
  wg.Wait();
  for (int i = 0; i < 20; ++i) EXPECT_EQ(results[i], i + 1);
}

TEST(WaitGroup, StartsTasksInAContext) {
  struct Key {
    using Value = int;
  };
  const Context ctx = WithValue<Key>(Background(), 7);
  const auto value = [] {
    const int* found = this_task::GetContext().Value<Key>();
    return found == nullptr ? 0 : *found;
  };
  WaitGroup group;
  int of_ctx = 0, named = 0, of_caller = 7, empty = 7;
  group.Go(ctx, [&] { of_ctx = value(); });
  group.Go({.name = "counted"}, ctx, [&] { named = value(); });
  group.Go([&] { of_caller = value(); });
  group.Go({}, [&] { empty = value(); });
  group.Wait();
  EXPECT_EQ(of_ctx, 7);
  EXPECT_EQ(named, 7);
  EXPECT_EQ(of_caller, 0);
  EXPECT_EQ(empty, 0);
}

TEST(WaitGroup, WaitOfAnEmptyGroupReturnsAtOnce) {
  WaitGroup wg;
  wg.Wait();
  wg.Add(1);
  wg.Done();
  wg.Wait();
}

TEST(WaitGroup, ReleasesAllWaiters) {
  WaitGroup wg;
  wg.Add(2);
  std::vector<TaskHandle> waiters;
  for (int i = 0; i < 5; ++i) waiters.push_back(Go([&] { wg.Wait(); }));
  for (const TaskHandle& w : waiters) AwaitParked(w.Id(), WaitKind::kWaitGroupWait);
  wg.Done();
  EXPECT_FALSE(waiters[0].Finished());
  wg.Done();
  for (const TaskHandle& w : waiters) w.Join();
}

TEST(WaitGroup, MayBeUsedAgainAfterWait) {
  WaitGroup wg;
  std::atomic<int> ran{0};
  for (int round = 1; round <= 20; ++round) {
    for (int i = 0; i < 3; ++i) wg.Go([&] { ran.fetch_add(1); });
    wg.Wait();
    EXPECT_EQ(ran.load(), 3 * round);
  }
}

TEST(WaitGroup, MayBeDestroyedAsSoonAsWaitHasReturned) {
  for (int i = 0; i < 200; ++i) {
    std::optional<WaitGroup> wg;
    wg.emplace();
    wg->Add(1);
    TaskHandle task = Go([&wg = *wg] { wg.Done(); });
    wg->Wait();
    wg.reset();
    task.Join();
  }
}

TEST(WaitGroup, ANegativeCountThrowsAndChangesNothing) {
  WaitGroup wg;
  EXPECT_THROW(wg.Done(), MisuseError);
  wg.Add(1);
  EXPECT_THROW(wg.Add(-2), MisuseError);
  wg.Done();
  wg.Wait();
}

TEST(WaitGroup, AddMayComeWhileOthersWait) {
  WaitGroup wg;
  wg.Add(1);
  TaskHandle waiter = Go([&] { wg.Wait(); });
  AwaitParked(waiter.Id(), WaitKind::kWaitGroupWait);
  wg.Add(1);
  wg.Done();
  EXPECT_TRUE(ParkedIn(waiter.Id(), WaitKind::kWaitGroupWait).has_value());
  wg.Done();
  waiter.Join();
}

TEST(WaitGroup, ACopyThatThrowsLeavesTheCountAsItWas) {
  struct ThrowsOnCopy {
    ThrowsOnCopy() = default;
    ThrowsOnCopy(const ThrowsOnCopy&) { throw std::runtime_error("copy"); }
    void operator()() {}
  };
  WaitGroup wg;
  const ThrowsOnCopy fn;
  EXPECT_THROW(wg.Go(fn), std::runtime_error);
  wg.Wait();
}

TEST(WaitGroup, RecordsCountAndLastAddAndDone) {
  WaitGroup wg;
  const auto line = std::source_location::current().line() + 1;
  wg.Add(3);
  wg.Done();
  TaskHandle waiter = Go([&] { wg.Wait(); });
  const internal::WaitRecord wait = AwaitParked(waiter.Id(), WaitKind::kWaitGroupWait);
  EXPECT_EQ(wait.sync->counter, 2);
  EXPECT_EQ(wait.sync->last_add.task, this_task::Id().value);
  EXPECT_EQ(wait.sync->last_add.site.line(), line);
  const internal::SyncPeer done = wait.sync->last_done;
  EXPECT_EQ(done.site.line(), line + 1);
  wg.Add(-2);
  waiter.Join();
}

TEST(WaitGroup, AMissingDoneIsADeadEnd) {
  ExpectDeadEnd();
  WaitGroup wg;
  wg.Add(1);
  EXPECT_THROW(wg.Wait(), GlobalDeadlockError);
  wg.Done();
}

}  // namespace
}  // namespace stranded
