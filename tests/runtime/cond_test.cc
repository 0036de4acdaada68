#include "stranded/cond.h"

#include <gtest/gtest.h>

#include <deque>
#include <mutex>
#include <vector>

#include "stranded/errors.h"
#include "stranded/gtest.h"
#include "stranded/internal/check_support.h"
#include "stranded/mutex.h"
#include "stranded/rw_mutex.h"
#include "stranded/wait_group.h"
#include "tests/runtime/sync_test_support.h"

namespace stranded {
namespace {

using internal::WaitKind;

TEST(Cond, ABoundedQueueLosesNoWakeUp) {
  Mutex mu;
  Cond not_empty(mu), not_full(mu);
  std::deque<int> queue;
  int sum = 0;
  WaitGroup wg;
  for (int p = 0; p < 3; ++p) {
    wg.Go([&] {
      for (int i = 1; i <= 30; ++i) {
        MutexLock lock(mu);
        while (queue.size() == 2) not_full.Wait();
        queue.push_back(i);
        not_empty.Signal();
      }
    });
    wg.Go([&] {
      for (int i = 0; i < 30; ++i) {
        MutexLock lock(mu);
        while (queue.empty()) not_empty.Wait();
        sum += queue.front();
        queue.pop_front();
        not_full.Signal();
      }
    });
  }
  wg.Wait();
  EXPECT_EQ(sum, 3 * 465);
}

// The signal may come right after Wait has unlocked and before it has parked.
TEST(Cond, ASignalRightAfterTheUnlockIsNotLost) {
  for (int i = 0; i < 100; ++i) {
    Mutex mu;
    Cond cond(mu);
    bool ready = false;
    TaskHandle waiter = Go([&] {
      MutexLock lock(mu);
      while (!ready) cond.Wait();
    });
    {
      MutexLock lock(mu);
      ready = true;
    }
    cond.Signal();
    waiter.Join();
  }
}

TEST(Cond, SignalWakesOneFirstInFirstOut) {
  Mutex mu;
  Cond cond(mu);
  std::vector<int> order;
  std::vector<TaskHandle> tasks;
  for (int t = 0; t < 4; ++t) {
    tasks.push_back(Go([&, t] {
      MutexLock lock(mu);
      cond.Wait();
      order.push_back(t);
    }));
    AwaitParked(tasks.back().Id(), WaitKind::kCondWait);
  }
  for (int t = 0; t < 4; ++t) {
    cond.Signal();
    tasks[static_cast<std::size_t>(t)].Join();
    if (t < 3) {
      EXPECT_TRUE(
          ParkedIn(tasks[static_cast<std::size_t>(t) + 1].Id(), WaitKind::kCondWait).has_value());
    }
  }
  EXPECT_EQ(order, (std::vector<int>{0, 1, 2, 3}));
}

TEST(Cond, BroadcastWakesAll) {
  Mutex mu;
  Cond cond(mu);
  bool ready = false;
  WaitGroup wg;
  for (int t = 0; t < 10; ++t) {
    wg.Go([&] {
      MutexLock lock(mu);
      while (!ready) cond.Wait();
    });
  }
  {
    MutexLock lock(mu);
    ready = true;
    cond.Broadcast();
  }
  wg.Wait();
}

TEST(Cond, WorksOverBothHalvesOfAnRWMutex) {
  RWMutex mu;
  Cond readers(mu.RLocker()), writers(mu);
  bool ready = false, seen = false;
  TaskHandle reader = Go([&] {
    ReaderLock lock(mu);
    while (!ready) readers.Wait();
    EXPECT_FALSE(mu.TryLock()) << "the read half must be locked again";
  });
  AwaitParked(reader.Id(), WaitKind::kCondWait);
  TaskHandle writer = Go([&] {
    WriterLock lock(mu);
    while (!ready) writers.Wait();
    seen = true;
    EXPECT_FALSE(mu.TryRLock());
  });
  AwaitParked(writer.Id(), WaitKind::kCondWait);
  {
    WriterLock lock(mu);
    ready = true;
  }
  readers.Broadcast();
  writers.Broadcast();
  reader.Join();
  writer.Join();
  EXPECT_TRUE(seen);
}

TEST(Cond, WorksOverAForeignLock) {
  std::mutex mu;
  Cond cond(mu);
  bool ready = false;
  TaskHandle waiter = Go([&] {
    mu.lock();
    while (!ready) cond.Wait();
    mu.unlock();
  });
  AwaitParked(waiter.Id(), WaitKind::kCondWait);
  mu.lock();
  ready = true;
  mu.unlock();
  cond.Signal();
  waiter.Join();
}

// The thread holds a foreign lock, not the task: no other may run meanwhile.
TEST(Cond, AForeignLockIsHeldAcrossSignals) {
  std::mutex mu;
  Cond filled(mu), emptied(mu);
  int items = 0, taken = 0;
  std::vector<TaskHandle> tasks;
  for (int i = 0; i < 3; ++i) {
    tasks.push_back(Go([&] {
      const std::lock_guard lock(mu);
      for (int k = 0; k < 20; ++k) {
        while (items == 2) emptied.Wait();
        ++items;
        filled.Signal();
      }
    }));
    tasks.push_back(Go([&] {
      const std::lock_guard lock(mu);
      for (int k = 0; k < 20; ++k) {
        while (items == 0) filled.Wait();
        --items;
        ++taken;
        emptied.Broadcast();
      }
    }));
  }
  for (const TaskHandle& task : tasks) task.Join();
  EXPECT_EQ(taken, 60);
}

TEST(Cond, ALoopOfSignalsOverAForeignLockLetsOthersRun) {
  if (!internal::InControlledWorld()) GTEST_SKIP() << "one worker would loop for ever";
  std::mutex mu;
  Cond cond(mu);
  bool done = false;
  TaskHandle waiter = Go([&] {
    const std::lock_guard lock(mu);
    cond.Wait();
    done = true;
  });
  while (!done) cond.Signal();
  waiter.Join();
}

TEST(Cond, WaitWithoutTheLockThrowsAndLeavesNoWaiter) {
  Mutex mu;
  Cond cond(mu);
  EXPECT_THROW(cond.Wait(), MisuseError);
  TaskHandle waiter = Go([&] {
    MutexLock lock(mu);
    cond.Wait();
  });
  AwaitParked(waiter.Id(), WaitKind::kCondWait);
  cond.Signal();  // must go to the task, not to what the failed Wait left behind
  waiter.Join();
}

TEST(Cond, CountsSignalsAndThoseNobodyWaitedFor) {
  Mutex mu;
  Cond cond(mu);
  cond.Signal();
  const auto line = std::source_location::current().line() + 1;
  cond.Broadcast();
  TaskHandle waiter = Go([&] {
    MutexLock lock(mu);
    cond.Wait();
  });
  const internal::WaitRecord wait = AwaitParked(waiter.Id(), WaitKind::kCondWait);
  EXPECT_EQ(wait.sync->signals, 2u);
  EXPECT_EQ(wait.sync->lost_signals, 2u);
  EXPECT_EQ(wait.sync->last_signal.site.line(), line);
  EXPECT_EQ(wait.sync->cond_lock, mu.sync_base()->id);
  cond.Signal();
  waiter.Join();
}

TEST(Cond, ADeadEndGivesTheLockBackBeforeItThrows) {
  ExpectDeadEnd();
  Mutex mu;
  Cond cond(mu);
  {
    std::unique_lock lock(mu);
    EXPECT_THROW(cond.Wait(), GlobalDeadlockError);
    EXPECT_FALSE(mu.TryLock());
  }
  ASSERT_TRUE(mu.TryLock());
  mu.Unlock();
}

// A task holds the lock for ever while main is interrupted in Wait: the unlock of main's guard must
// neither throw nor take the lock away from its holder.
TEST(Cond, ADeadEndWithoutTheLockIsSafeForGuards) {
  ExpectDeadEnd();
  Mutex mu, never;
  never.Lock();
  Cond cond(mu);
  TaskHandle holder;
  {
    std::unique_lock lock(mu);
    holder = Go([&] {
      MutexLock held(mu);
      MutexLock blocked(never);
    });
    EXPECT_THROW(cond.Wait(), GlobalDeadlockError);
  }
  EXPECT_FALSE(mu.TryLock());
  never.Unlock();
  holder.Join();
  ASSERT_TRUE(mu.TryLock());
  mu.Unlock();
}

TEST(Cond, ADeadEndWithoutTheReadLockIsSafeForGuards) {
  ExpectDeadEnd();
  RWMutex mu;
  Mutex never;
  never.Lock();
  Cond cond(mu.RLocker());
  TaskHandle holder;
  {
    ReaderLock lock(mu);
    holder = Go([&] {
      WriterLock held(mu);
      MutexLock blocked(never);
    });
    EXPECT_THROW(cond.Wait(), GlobalDeadlockError);
  }
  EXPECT_FALSE(mu.TryRLock());
  never.Unlock();
  holder.Join();
  EXPECT_THROW(mu.RUnlock(), MisuseError) << "only one unlock was owed";
}

}  // namespace
}  // namespace stranded
