// lock-chan-cycle.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/detector/dump_builder.h"
#include "tests/detector/object_specs.h"

namespace stranded::detector {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

TEST(LockChanCycle, SendWhileHoldingTheLockOfTheReceiverIsFound) {
  DumpBuilder dump;
  const SiteId send = dump.At("a.cc", 5), lock = dump.At("a.cc", 9);
  dump.Add(Lock(2, 7, lock)).Add(Unbuffered(3, send));
  dump.Add(Sender(7, 3, send)).Add(Waiter(8, WaitKind::kMutexLock, 2, lock)).End();
  const Analysis analysis = Examine(dump);
  ASSERT_EQ(Rules(analysis), "lock-chan-cycle");
  const Finding f = Only(analysis, "lock-chan-cycle");
  EXPECT_EQ(f.task_count(), 2u);
  EXPECT_TRUE(HasFix(f, FixKind::kReleaseBeforeWait));
  EXPECT_FALSE(HasFix(f, FixKind::kRaiseCapacity));
}

TEST(LockChanCycle, WhoLetsTheHolderGiveUpMustNotNeedTheLock) {
  DumpBuilder dump;
  const SiteId send = dump.At("a.cc", 5), lock = dump.At("a.cc", 9);
  dump.Add(Lock(2, 7, lock)).Add(Unbuffered(3, send));
  dump.Add(Sender(7, 3, send)).Add(Waiter(8, WaitKind::kMutexLock, 2, lock)).End();
  const Finding f = Only(Examine(dump), "lock-chan-cycle");
  int told = 0;
  for (const Fix& fix : f.data().candidates) {
    if (!fix.patch.starts_with("giveup")) continue;
    ++told;
    EXPECT_THAT(fix.warnings, Contains(HasSubstr("The lock taken at a.cc:9 is held across")));
  }
  EXPECT_GT(told, 0);
}

TEST(LockChanCycle, ItIsToldOfTheHolderThoughAWaiterHasASmallerId) {
  DumpBuilder dump;
  const SiteId send = dump.At("a.cc", 5), lock = dump.At("a.cc", 9), start = dump.At("a.cc", 2);
  TaskSpec holder = Sender(9, 3, send);
  holder.task.name = "holder";
  holder.task.spawn = 4;
  dump.Add(Lock(2, 9, lock)).Add(Unbuffered(3, send)).Add(Spawned(4, 9, 0, start));
  dump.Add(Waiter(8, WaitKind::kMutexLock, 2, lock)).Add(holder).End();
  const Finding f = Only(Examine(dump), "lock-chan-cycle");
  EXPECT_THAT(f.data().tasks, ElementsAre(9, 8));
  EXPECT_EQ(f.data().task_name, "holder");
  EXPECT_EQ(f.data().wait, "send");
  EXPECT_EQ(f.wait_site().line, 5u);
  EXPECT_EQ(f.spawn_site().line, 2u);
  EXPECT_EQ(f.channel_site().line, 5u);
}

TEST(LockChanCycle, TheAgeIsThatOfTheHolder) {
  DumpBuilder dump;
  const SiteId send = dump.At("a.cc", 5), lock = dump.At("a.cc", 9);
  TaskSpec holder = Sender(7, 3, send);
  holder.task.since_ns = kNow - 20 * kSecond;
  dump.Add(Lock(2, 7, lock)).Add(Unbuffered(3, send)).Add(holder);
  dump.Add(Waiter(8, WaitKind::kMutexLock, 2, lock)).End();
  const Finding f = Only(Examine(dump), "lock-chan-cycle");
  EXPECT_EQ(f.data().min_age_ns, 20 * kSecond);
  EXPECT_EQ(f.data().max_age_ns, 20 * kSecond);
}

TEST(LockChanCycle, ADaemonThatHoldsTheLockIsNamedWithAllThatWait) {
  DumpBuilder dump;
  const SiteId send = dump.At("a.cc", 5), lock = dump.At("a.cc", 9);
  TaskSpec holder = Sender(9, 3, send);
  holder.task.daemon = true;
  dump.Add(Lock(2, 9, lock)).Add(Unbuffered(3, send)).Add(holder);
  dump.Add(Waiter(7, WaitKind::kMutexLock, 2, lock));
  dump.Add(Waiter(8, WaitKind::kMutexLock, 2, lock)).End();
  const Finding f = Only(Examine(dump), "lock-chan-cycle");
  EXPECT_THAT(f.data().tasks, ElementsAre(7, 8));
  EXPECT_EQ(f.wait_site().line, 5u);
  EXPECT_THAT(std::string(f.title()), HasSubstr("2 other tasks wait for"));
}

TEST(LockChanCycle, AReadLockHasAPlace) {
  DumpBuilder dump;
  const SiteId send = dump.At("a.cc", 5), lock = dump.At("a.cc", 9), read = dump.At("a.cc", 4);
  Sync shared = Lock(2, 0, 0, SyncKind::kRwMutex);
  shared.readers = 1;
  TaskSpec reader = Sender(7, 3, send);
  reader.held = {{2, read, true}};
  dump.Add(shared).Add(Unbuffered(3, send)).Add(reader);
  dump.Add(Waiter(8, WaitKind::kRwMutexLock, 2, lock)).End();
  const Finding f = Only(Examine(dump), "lock-chan-cycle");
  EXPECT_THAT(AllText(f), HasSubstr("Release the lock taken at a.cc:4"));
  EXPECT_THAT(AllText(f), HasSubstr("since a.cc:4"));
  EXPECT_EQ(f.fixes()[0].site.line, 4u);
}

TEST(LockChanCycle, ReadersAtOnePlaceAreOneFinding) {
  DumpBuilder dump;
  const SiteId send = dump.At("a.cc", 5), other = dump.At("a.cc", 6), read = dump.At("a.cc", 4);
  Sync shared = Lock(2, 0, 0, SyncKind::kRwMutex);
  shared.readers = 3;
  shared.waiters = 1;
  TaskSpec readers[] = {Sender(7, 3, send), Sender(8, 3, send), Sender(9, 3, other)};
  for (TaskSpec& reader : readers) reader.held = {{2, read, true}};
  dump.Add(shared).Add(Unbuffered(3, send));
  for (const TaskSpec& reader : readers) dump.Add(reader);
  dump.Add(Waiter(10, WaitKind::kRwMutexLock, 2, read)).End();
  const std::vector<Finding> findings = Examine(dump).findings;
  ASSERT_EQ(findings.size(), 2u);
  EXPECT_THAT(std::string(findings[0].title()),
              HasSubstr("2 tasks are blocked sending on a channel while they hold a lock that 1 "));
  EXPECT_THAT(AllText(findings[0]), HasSubstr("task 8 holds it, too, and is blocked at a.cc:5"));
  EXPECT_THAT(std::string(findings[1].title()), HasSubstr("holds a lock that 1 other task waits"));
}

// A lock that one of them holds besides would not be named where another stands for it.
TEST(LockChanCycle, AReaderThatHoldsMoreIsAFindingOfItsOwn) {
  DumpBuilder dump;
  const SiteId send = dump.At("a.cc", 5), read = dump.At("a.cc", 4), lock = dump.At("a.cc", 3);
  Sync shared = Lock(2, 0, 0, SyncKind::kRwMutex);
  shared.readers = 2;
  shared.waiters = 1;
  TaskSpec first = Sender(7, 3, send), second = Sender(8, 3, send);
  first.held = {{2, read, true}};
  second.held = {{2, read, true}, {4, lock, false}};
  dump.Add(shared).Add(Lock(4, 8, lock)).Add(Unbuffered(3, send)).Add(first).Add(second);
  dump.Add(Waiter(10, WaitKind::kRwMutexLock, 2, read));
  dump.Add(Waiter(11, WaitKind::kMutexLock, 4, lock)).End();
  const std::vector<Finding> findings = Examine(dump).findings;
  ASSERT_EQ(findings.size(), 2u);
  const std::string both = AllText(findings[0]) + AllText(findings[1]);
  EXPECT_THAT(both, HasSubstr("Release the lock taken at a.cc:4"));
  EXPECT_THAT(both, HasSubstr("taken at a.cc:3"));
}

TEST(LockChanCycle, AReceiverThatHasGoneIsNotBlamedOnTheLock) {
  DumpBuilder dump;
  const SiteId at = dump.At("a.cc", 5);
  Channel channel = Unbuffered(3, at);
  channel.last_receiver = LastOn(6, at, PeerOutcome::kCompleted);
  dump.Add(Lock(2, 7, at)).Add(channel).Add(InState(6, TaskState::kFinished));
  dump.Add(Sender(7, 3, at)).Add(Waiter(8, WaitKind::kMutexLock, 2, at)).End();
  const std::string text = AllText(Only(Examine(dump), "lock-chan-cycle"));
  EXPECT_THAT(text, HasSubstr("comes to the other side of the channel is not known"));
  EXPECT_THAT(text, HasSubstr("The last to receive was task 6 at a.cc:5; it has finished since."));
}

TEST(LockChanCycle, TwinWithNobodyWaitingForTheLockIsAnAbandonedSend) {
  DumpBuilder dump;
  const SiteId at = dump.At("a.cc", 5);
  Sync lock = Lock(2, 7, at);
  lock.waiters = 0;
  dump.Add(lock).Add(Unbuffered(3, at)).Add(Sender(7, 3, at)).End();
  EXPECT_EQ(Rules(Examine(dump)), "abandoned-send");
}

TEST(LockChanCycle, TwinInABusyProgramIsSilent) {
  DumpBuilder dump;
  dump.Add(Busy());
  const SiteId at = dump.At("a.cc", 5);
  dump.Add(Lock(2, 7, at)).Add(Unbuffered(3, at)).Add(Sender(7, 3, at));
  dump.Add(Waiter(8, WaitKind::kMutexLock, 2, at)).Add(InState(9, TaskState::kRunning)).End();
  EXPECT_EQ(Rules(Examine(dump)), "");
}

}  // namespace
}  // namespace stranded::detector
