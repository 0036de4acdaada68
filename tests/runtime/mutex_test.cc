#include "stranded/mutex.h"

#include <gtest/gtest.h>

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "stranded/errors.h"
#include "stranded/gtest.h"
#include "stranded/wait_group.h"
#include "tests/runtime/sync_test_support.h"

namespace stranded {
namespace {

using internal::WaitKind;

TEST(Mutex, ExcludesManyTasks) {
  Mutex mu;
  WaitGroup wg;
  int inside = 0, total = 0;  // plain: the mutex must order every access
  for (int t = 0; t < 10; ++t) {
    wg.Go([&] {
      for (int i = 0; i < 50; ++i) {
        MutexLock lock(mu);
        EXPECT_EQ(++inside, 1);
        this_task::Yield();
        ++total;
        --inside;
      }
    });
  }
  wg.Wait();
  EXPECT_EQ(total, 500);
}

TEST(Mutex, WaitersAreServedInTheOrderTheyCame) {
  Mutex mu;
  std::vector<int> order;
  std::vector<TaskHandle> tasks;
  mu.Lock();
  for (int t = 0; t < 5; ++t) {
    tasks.push_back(Go([&, t] {
      MutexLock lock(mu);
      order.push_back(t);
    }));
    AwaitParked(tasks.back().Id(), WaitKind::kMutexLock);
  }
  mu.Unlock();
  for (const TaskHandle& task : tasks) task.Join();
  EXPECT_EQ(order, (std::vector<int>{0, 1, 2, 3, 4}));
}

TEST(Mutex, UnlockHandsTheLockToTheWaiterSoNobodyOvertakes) {
  Mutex mu;
  mu.Lock();
  TaskHandle waiter = Go([&] {
    mu.Lock();
    mu.Unlock();
  });
  AwaitParked(waiter.Id(), WaitKind::kMutexLock);
  mu.Unlock();
  // Either the waiter still has it, or it has been through already.
  const bool taken = mu.TryLock();
  if (taken) {
    EXPECT_TRUE(ParkedIn(waiter.Id(), WaitKind::kMutexLock) == std::nullopt);
    mu.Unlock();
  }
  waiter.Join();
}

TEST(Mutex, TryLockTakesOnlyAFreeMutex) {
  Mutex mu;
  ASSERT_TRUE(mu.TryLock());
  EXPECT_FALSE(mu.TryLock());
  Go([&] { EXPECT_FALSE(mu.TryLock()); }).Join();
  mu.Unlock();
  EXPECT_TRUE(mu.TryLock());
  mu.Unlock();
}

TEST(Mutex, PollingWithTryLockGetsIt) {
  Mutex mu;
  mu.Lock();
  TaskHandle poller = Go([&] {
    while (!mu.TryLock()) this_task::Yield();
    mu.Unlock();
  });
  this_task::SleepFor(absl::Milliseconds(1));
  mu.Unlock();
  poller.Join();
}

TEST(Mutex, AnotherTaskMayUnlock) {
  Mutex mu;
  mu.Lock();
  Go([&] { mu.Unlock(); }).Join();
  ASSERT_TRUE(mu.TryLock());
  mu.Unlock();
}

TEST(Mutex, UnlockOfAnUnlockedMutexThrows) {
  const int line = __LINE__;
  Mutex mu;
  EXPECT_THROW(mu.Unlock(), MisuseError);
  try {
    mu.Unlock();
  } catch (const MisuseError& e) {
    EXPECT_EQ(std::string(e.what()),
              absl::StrCat("unlock of an unlocked Mutex, at ", __FILE__, ":", line + 4,
                           "; it was made at ", __FILE__, ":", line + 1));
  }
  mu.Lock();
  mu.Unlock();
  EXPECT_THROW(mu.Unlock(), MisuseError);
}

TEST(Mutex, WorksWithTheStandardGuards) {
  Mutex a, b;
  {
    std::scoped_lock both(a, b);
    EXPECT_FALSE(a.TryLock());
    EXPECT_FALSE(b.TryLock());
  }
  std::unique_lock lock(a, std::try_to_lock);
  EXPECT_TRUE(lock.owns_lock());
}

TEST(Mutex, RecordsItsHolderAndWhereItWaits) {
  struct Owner {
    Mutex mu;
  };
  Owner owner{};
  const auto lock_line = std::source_location::current().line() + 1;
  owner.mu.Lock();
  TaskHandle waiter = Go([&] { MutexLock lock(owner.mu); });
  const internal::WaitRecord wait = AwaitParked(waiter.Id(), WaitKind::kMutexLock);
  EXPECT_EQ(wait.sync, owner.mu.sync_base());
  EXPECT_EQ(wait.sync->holder, this_task::Id().value);
  EXPECT_EQ(wait.sync->holder_site.line(), lock_line);
  EXPECT_EQ(wait.site.line(), lock_line + 1);
  owner.mu.Unlock();
  waiter.Join();
  EXPECT_EQ(owner.mu.sync_base()->holder, 0u);
}

TEST(Mutex, LockingTwiceIsADeadEndThatGuardsSurvive) {
  ExpectDeadEnd();
  Mutex mu;
  {
    MutexLock lock(mu);
    EXPECT_THROW(mu.Lock(), GlobalDeadlockError);
  }
  ASSERT_TRUE(mu.TryLock());
  mu.Unlock();
}

struct LocksInDestructor {
  Mutex& mu;
  ~LocksInDestructor() { MutexLock lock(mu); }
};

// A destructor that locks what can never be had must not end the process while it unwinds.
TEST(Mutex, ADestructorMayLockWhileADeadEndUnwinds) {
  ExpectDeadEnd();
  Mutex mu, never;
  never.Lock();
  TaskHandle holder = Go([&] {
    MutexLock held(mu);
    MutexLock blocked(never);
  });
  AwaitParked(holder.Id(), WaitKind::kMutexLock);
  const auto body = [&] {
    const LocksInDestructor guard{mu};
    mu.Lock();
  };
  EXPECT_THROW(body(), GlobalDeadlockError);
  EXPECT_FALSE(mu.TryLock()) << "the unlock of the guard must not unlock for the holder";
  never.Unlock();
  holder.Join();
  EXPECT_THROW(mu.Unlock(), MisuseError) << "only one unlock was owed";
}

TEST(Mutex, ADestructorMayLockWhatItsOwnTaskHolds) {
  ExpectDeadEnd();
  Mutex mu;
  const auto body = [&] {
    MutexLock held(mu);
    const LocksInDestructor guard{mu};
    mu.Lock();
  };
  EXPECT_THROW(body(), GlobalDeadlockError);
  ASSERT_TRUE(mu.TryLock());
  mu.Unlock();
}

TEST(Mutex, MayBeDestroyedUnderATaskThatWaitsForEver) {
  SpawnOptions options;
  options.daemon = true;  // it is meant to stay
  auto mu = std::make_unique<Mutex>();
  mu->Lock();
  const auto holder = this_task::Id().value;
  const TaskHandle stuck = Go(options, Background(), [m = mu.get()] { m->Lock(); });
  const internal::WaitRecord before = AwaitParked(stuck.Id(), WaitKind::kMutexLock);
  EXPECT_EQ(before.sync, mu->sync_base());
  mu.reset();
  const internal::WaitRecord after = AwaitParked(stuck.Id(), WaitKind::kMutexLock);
  EXPECT_NE(after.sync, before.sync);
  EXPECT_EQ(after.sync->holder, holder);
  EXPECT_EQ(after.sync->waiters.size(), 1u);
}

}  // namespace
}  // namespace stranded
