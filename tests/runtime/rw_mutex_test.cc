#include "stranded/rw_mutex.h"

#include <gtest/gtest.h>

#include <mutex>
#include <shared_mutex>
#include <vector>

#include "stranded/errors.h"
#include "stranded/gtest.h"
#include "stranded/mutex.h"
#include "stranded/wait_group.h"
#include "tests/runtime/sync_test_support.h"

namespace stranded {
namespace {

using internal::WaitKind;

TEST(RWMutex, WritersExcludeEverybodyReadersShare) {
  RWMutex mu;
  WaitGroup wg;
  int value = 0, copy = 0;
  for (int t = 0; t < 4; ++t) {
    wg.Go([&] {
      for (int i = 0; i < 50; ++i) {
        WriterLock lock(mu);
        ++value;
        this_task::Yield();
        ++copy;
      }
    });
    wg.Go([&] {
      for (int i = 0; i < 50; ++i) {
        ReaderLock lock(mu);
        EXPECT_EQ(value, copy);
      }
    });
  }
  wg.Wait();
  EXPECT_EQ(value, 200);
}

TEST(RWMutex, ReadersDoNotWaitForEachOther) {
  RWMutex mu;
  mu.RLock();
  Go([&] {
    mu.RLock();
    mu.RUnlock();
  }).Join();
  EXPECT_FALSE(mu.TryLock());
  mu.RUnlock();
  ASSERT_TRUE(mu.TryLock());
  EXPECT_FALSE(mu.TryRLock());
  mu.Unlock();
}

TEST(RWMutex, AWaitingWriterStopsNewReadersAndGoesFirst) {
  RWMutex mu;
  std::vector<char> order;
  mu.RLock();
  TaskHandle writer = Go([&] {
    WriterLock lock(mu);
    order.push_back('w');
  });
  AwaitParked(writer.Id(), WaitKind::kRwMutexLock);
  EXPECT_FALSE(mu.TryRLock());
  TaskHandle reader = Go([&] {
    ReaderLock lock(mu);
    order.push_back('r');
  });
  AwaitParked(reader.Id(), WaitKind::kRwMutexRLock);
  mu.RUnlock();
  writer.Join();
  reader.Join();
  EXPECT_EQ(order, (std::vector<char>{'w', 'r'}));
}

TEST(RWMutex, AWritersUnlockLetsInTheReadersThatWaitedBeforeTheNextWriter) {
  RWMutex mu;
  int readers_in = 0;
  Mutex count;
  mu.Lock();
  std::vector<TaskHandle> tasks;
  const auto reader = [&] {
    ReaderLock lock(mu);
    MutexLock guard(count);
    ++readers_in;
  };
  tasks.push_back(Go(reader));
  AwaitParked(tasks.back().Id(), WaitKind::kRwMutexRLock);
  tasks.push_back(Go([&] {
    WriterLock lock(mu);
    EXPECT_EQ(readers_in, 2);
  }));
  AwaitParked(tasks.back().Id(), WaitKind::kRwMutexLock);
  tasks.push_back(Go(reader));
  AwaitParked(tasks.back().Id(), WaitKind::kRwMutexRLock);
  mu.Unlock();
  for (const TaskHandle& task : tasks) task.Join();
  EXPECT_EQ(readers_in, 2);
}

TEST(RWMutex, MisuseThrows) {
  RWMutex mu;
  EXPECT_THROW(mu.Unlock(), MisuseError);
  EXPECT_THROW(mu.RUnlock(), MisuseError);
  mu.RLock();
  EXPECT_THROW(mu.Unlock(), MisuseError);
  mu.RUnlock();
  mu.Lock();
  EXPECT_THROW(mu.RUnlock(), MisuseError);
  mu.Unlock();
}

TEST(RWMutex, WorksWithTheStandardGuardsAndRLocker) {
  RWMutex mu;
  {
    std::shared_lock lock(mu);
    std::lock_guard also(mu.RLocker());
    EXPECT_TRUE(mu.TryRLock());
    mu.RUnlock();
    EXPECT_FALSE(mu.TryLock());
  }
  std::unique_lock lock(mu);
  EXPECT_FALSE(mu.RLocker().TryLock());
}

TEST(RWMutex, RecordsReadersWithTheirTasks) {
  RWMutex mu;
  internal::Task* self = internal::CurrentTask();
  const int before = self->held_count;
  const auto line = std::source_location::current().line() + 1;
  mu.RLock();
  ASSERT_EQ(self->held_count, before + 1);
  EXPECT_EQ(self->held[before].lock, mu.sync_base());
  EXPECT_EQ(self->held[before].site.line(), line);
  EXPECT_EQ(mu.sync_base()->readers, 1u);
  mu.RUnlock();
  EXPECT_EQ(self->held_count, before);
  EXPECT_FALSE(mu.sync_base()->readers_uncertain);
}

TEST(RWMutex, AReadLockReleasedByAnotherTaskIsMarkedAndForgottenWithTheLock) {
  internal::Task* self = internal::CurrentTask();
  const int before = self->held_count;
  {
    RWMutex mu;
    mu.RLock();
    Go([&] { mu.RUnlock(); }).Join();
    EXPECT_TRUE(mu.sync_base()->readers_uncertain);
    EXPECT_EQ(mu.sync_base()->readers, 0u);
  }
  EXPECT_EQ(self->held_count, before) << "the list must not point to a lock that is gone";
}

TEST(RWMutex, MoreReadLocksThanTheListHoldsAreCountedAllTheSame) {
  RWMutex locks[internal::Task::kHeldMax + 2];
  for (RWMutex& mu : locks) mu.RLock();
  EXPECT_TRUE(locks[internal::Task::kHeldMax + 1].sync_base()->readers_uncertain);
  for (RWMutex& mu : locks) mu.RUnlock();
  for (RWMutex& mu : locks) {
    ASSERT_TRUE(mu.TryLock());
    mu.Unlock();
  }
  EXPECT_EQ(internal::CurrentTask()->held_count, 0);
}

TEST(RWMutex, AReaderThatUpgradesComesToADeadEndAndMayGoOn) {
  ExpectDeadEnd();
  RWMutex mu;
  {
    ReaderLock lock(mu);
    EXPECT_THROW(mu.Lock(), GlobalDeadlockError);
    EXPECT_TRUE(mu.TryRLock()) << "the writer that gave up must not stop readers";
    mu.RUnlock();
  }
  ASSERT_TRUE(mu.TryLock());
  mu.Unlock();
}

}  // namespace
}  // namespace stranded
