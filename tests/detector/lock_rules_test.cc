// self-deadlock, lock-cycle, oversized-acquire, orphaned-lock, once-stuck, waitgroup-stuck,
// cond-stuck.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/detector/dump_builder.h"
#include "tests/detector/object_specs.h"

namespace stranded::detector {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

TEST(SelfDeadlock, LockingTwiceIsFoundEvenWhileOthersRun) {
  DumpBuilder dump;
  dump.Add(Busy());
  const SiteId at = dump.At("a.cc", 5);
  dump.Add(Lock(2, 7, at)).Add(Waiter(7, WaitKind::kMutexLock, 2, at));
  dump.Add(InState(8, TaskState::kRunning)).End();
  const Finding f = Only(Examine(dump), "self-deadlock");
  EXPECT_EQ(f.verdict(), "proven");
  EXPECT_THAT(AllText(f), HasSubstr("task 7 waits for the same mutex at a.cc:5"));
}

TEST(SelfDeadlock, WriteLockWhileReadingIsFound) {
  DumpBuilder dump;
  const SiteId at = dump.At("a.cc", 5);
  Sync lock = Lock(2, 0, at, SyncKind::kRwMutex);
  lock.readers = 2;
  TaskSpec other = Receiver(6, 3, at), self = Waiter(7, WaitKind::kRwMutexLock, 2, at);
  other.held = self.held = {{2, at, true}};
  dump.Add(lock).Add(other).Add(self).End();
  EXPECT_THAT(Only(Examine(dump), "self-deadlock").data().tasks, ElementsAre(7));
}

TEST(SelfDeadlock, TwinWhereAnotherHoldsTheLockIsSilent) {
  DumpBuilder dump;
  dump.Add(Busy());
  const SiteId at = dump.At("a.cc", 5);
  dump.Add(Lock(2, 8, at)).Add(Waiter(7, WaitKind::kMutexLock, 2, at));
  dump.Add(InState(8, TaskState::kRunning)).End();
  EXPECT_EQ(Rules(Examine(dump)), "");
}

TEST(SelfDeadlock, TwinThatJustParkedInABusyProgramIsSilent) {
  DumpBuilder dump;
  dump.Add(Busy());
  const SiteId at = dump.At("a.cc", 5);
  TaskSpec task = Waiter(7, WaitKind::kMutexLock, 2, at);
  task.task.since_ns = kNow;
  dump.Add(Lock(2, 7, at)).Add(task).End();
  EXPECT_EQ(Rules(Examine(dump)), "");
}

TEST(LockCycle, TheWholeCycleIsPrintedAndThoseBeforeItBelongToIt) {
  DumpBuilder dump;
  const SiteId at = dump.At("a.cc", 5), there = dump.At("b.cc", 6);
  dump.Add(Lock(2, 7, at)).Add(Lock(3, 8, there));
  dump.Add(Waiter(7, WaitKind::kMutexLock, 3, at)).Add(Waiter(8, WaitKind::kMutexLock, 2, there));
  dump.Add(Waiter(9, WaitKind::kMutexLock, 2, there)).End();
  const Analysis analysis = Examine(dump);
  ASSERT_EQ(Rules(analysis), "lock-cycle");
  const Finding f = Only(analysis, "lock-cycle");
  EXPECT_EQ(f.task_count(), 3u);
  EXPECT_EQ(f.data().graph.size(), 4u);
  EXPECT_TRUE(HasFix(f, FixKind::kLockOrder));
  EXPECT_THAT(AllText(f), HasSubstr("1 more task waits for a lock of the cycle"));
  EXPECT_THAT(AllText(f), HasSubstr("2 tasks wait for each other's locks"));
  EXPECT_THAT(AllText(f), testing::Not(HasSubstr("sync:")));
}

TEST(LockCycle, LocksMadeAtOnePlaceAreToldApart) {
  DumpBuilder dump;
  const SiteId at = dump.At("a.cc", 5);
  Sync first = Lock(2, 7, at), second = Lock(3, 8, at);
  first.site = second.site = at;
  dump.Add(first).Add(second);
  dump.Add(Waiter(7, WaitKind::kMutexLock, 3, at))
      .Add(Waiter(8, WaitKind::kMutexLock, 2, at))
      .End();
  const Finding f = Only(Examine(dump), "lock-cycle");
  EXPECT_THAT(AllText(f), HasSubstr("for the mutex sync:3 made at a.cc:5"));
  EXPECT_THAT(AllText(f), HasSubstr("for the mutex sync:2 made at a.cc:5"));
  EXPECT_THAT(AllText(f), HasSubstr("made at one place"));
}

TEST(LockCycle, AReaderBehindAWriterThatWaitsForThatReaderIsOne) {
  DumpBuilder dump;
  const SiteId at = dump.At("a.cc", 5);
  Sync lock = Lock(2, 0, at, SyncKind::kRwMutex);
  lock.readers = 1;
  TaskSpec reader = Waiter(7, WaitKind::kRwMutexRLock, 2, at);
  reader.held = {{2, at, true}};
  dump.Add(lock).Add(reader).Add(Waiter(8, WaitKind::kRwMutexLock, 2, at)).End();
  const Finding f = Only(Examine(dump), "lock-cycle");
  EXPECT_EQ(f.task_count(), 2u);
  EXPECT_THAT(AllText(f), HasSubstr("held by task 7 since a.cc:5"));
}

TEST(LockCycle, TheReaderIsToldNotToReadAgainWhoeverHasTheSmallerId) {
  for (const Id reads : {6, 9}) {
    DumpBuilder dump;
    const SiteId first = dump.At("a.cc", 4), again = dump.At("a.cc", 5),
                 writes = dump.At("a.cc", 9);
    Sync lock = Lock(2, 0, first, SyncKind::kRwMutex);
    lock.readers = 1;
    TaskSpec reader = Waiter(reads, WaitKind::kRwMutexRLock, 2, again);
    reader.held = {{2, first, true}};
    dump.Add(lock).Add(reader).Add(Waiter(8, WaitKind::kRwMutexLock, 2, writes)).End();
    const std::string text = AllText(Only(Examine(dump), "lock-cycle"));
    EXPECT_THAT(text, HasSubstr("Do not read-lock again at a.cc:5:"));
  }
}

TEST(LockCycle, TwinWhoseChainEndsInARunningHolderIsSilent) {
  DumpBuilder dump;
  dump.Add(Busy());
  const SiteId at = dump.At("a.cc", 5);
  dump.Add(Lock(2, 8, at)).Add(Lock(3, 9, at));
  dump.Add(Waiter(7, WaitKind::kMutexLock, 2, at)).Add(Waiter(8, WaitKind::kMutexLock, 3, at));
  dump.Add(InState(9, TaskState::kRunning)).End();
  EXPECT_EQ(Rules(Examine(dump)), "");
}

TEST(LockCycle, TwinWhoseReaderSleepsIsSilent) {
  DumpBuilder dump;
  dump.Add(Busy());
  const SiteId at = dump.At("a.cc", 5);
  Sync lock = Lock(2, 0, at, SyncKind::kRwMutex);
  lock.readers = 1;
  TaskSpec reader = InState(7, TaskState::kSleeping);
  reader.held = {{2, at, true}};
  dump.Add(lock).Add(reader).Add(Waiter(8, WaitKind::kRwMutexLock, 2, at)).End();
  EXPECT_EQ(Rules(Examine(dump)), "");
}

TEST(OrphanedLock, AFinishedHolderIsNamedWithItsSite) {
  DumpBuilder dump;
  const SiteId at = dump.At("a.cc", 5), there = dump.At("b.cc", 6);
  dump.Add(Lock(2, 6, there)).Add(InState(6, TaskState::kFinished));
  dump.Add(Waiter(7, WaitKind::kMutexLock, 2, at)).End();
  const Finding f = Only(Examine(dump), "orphaned-lock");
  EXPECT_TRUE(HasFix(f, FixKind::kUnlock));
  EXPECT_THAT(AllText(f), HasSubstr("task 6 at b.cc:6"));
}

// Main looks for what it left, and one task waits behind another.
TEST(OrphanedLock, MainThatWentOnIsNamedForAllThatWaitBehindIt) {
  const auto examine = [](bool caller_goes_on) {
    DumpBuilder dump;
    const SiteId at = dump.At("a.cc", 5), other = dump.At("a.cc", 8), held = dump.At("b.cc", 6);
    TaskSpec main = InState(1, TaskState::kBlocked);
    main.task.is_main = true;
    main.task.wait = WaitKind::kLeakCheck;
    dump.Add(Quiet()).Add(main).Add(Lock(2, 1, held)).Add(Lock(3, 7, other));
    dump.Add(Waiter(7, WaitKind::kMutexLock, 2, at)).Add(Waiter(8, WaitKind::kMutexLock, 3, other));
    AnalysisOptions options;
    options.caller_goes_on = caller_goes_on;
    return Examine(dump.End(), options);
  };
  const Analysis left = examine(false);
  ASSERT_EQ(Rules(left), "orphaned-lock,orphaned-lock");
  const std::string direct = AllText(left.findings[0]), behind = AllText(left.findings[1]);
  EXPECT_THAT(direct, HasSubstr("whose holder went on without unlocking"));
  EXPECT_THAT(direct, HasSubstr("Give back what is taken at b.cc:6"));
  EXPECT_THAT(behind, HasSubstr("whose holder waits for one that nobody unlocks"));
  EXPECT_THAT(behind, HasSubstr("Give back what is taken at b.cc:6"));
  EXPECT_EQ(Rules(examine(true)), "");
}

// Behind a writer that waits for a reader which has finished: the writer holds nothing.
TEST(OrphanedLock, AWriterThatStandsBeforeIsNoHolder) {
  DumpBuilder dump;
  const SiteId at = dump.At("a.cc", 5), there = dump.At("b.cc", 6), reads = dump.At("c.cc", 7);
  Sync lock = Lock(2, 0, at, SyncKind::kRwMutex);
  lock.readers = 1;
  lock.last_add = LastBy(6, there);
  dump.Add(Quiet()).Add(lock).Add(InState(6, TaskState::kFinished));
  dump.Add(Waiter(7, WaitKind::kRwMutexLock, 2, at));
  dump.Add(Waiter(8, WaitKind::kRwMutexRLock, 2, reads)).End();
  for (const Finding& f : Examine(dump).findings) {
    EXPECT_THAT(std::string(f.title()), HasSubstr("whose holder finished without unlocking"));
  }
}

// Main may still unlock where another task looks.
TEST(OrphanedLock, MainThatDoesNotLookHasNotLeft) {
  DumpBuilder dump;
  const SiteId at = dump.At("a.cc", 5), held = dump.At("b.cc", 6);
  TaskSpec main = InState(1, TaskState::kRunning);
  main.task.is_main = true;
  dump.Add(Quiet()).Add(main).Add(Lock(2, 1, held));
  dump.Add(Waiter(7, WaitKind::kMutexLock, 2, at)).End();
  EXPECT_EQ(Rules(Examine(dump)), "");
}

// Of several readers only the last one is known, and here it gave back.
TEST(OrphanedLock, TheLastReaderThatGaveBackIsNotBlamed) {
  const auto text = [](bool gave_back) {
    DumpBuilder dump;
    const SiteId at = dump.At("a.cc", 5), there = dump.At("b.cc", 6), back = dump.At("b.cc", 7);
    Sync lock = Lock(2, 0, at, SyncKind::kRwMutex);
    lock.readers = 1;
    lock.last_add = LastBy(6, there);
    if (gave_back) lock.last_done = LastBy(6, back);
    dump.Add(Quiet()).Add(lock).Add(InState(6, TaskState::kFinished));
    dump.Add(Waiter(7, WaitKind::kRwMutexLock, 2, at)).End();
    return AllText(Only(Examine(dump), "orphaned-lock"));
  };
  EXPECT_THAT(text(false), HasSubstr("Give back what is taken at b.cc:6"));
  EXPECT_THAT(text(true), HasSubstr("it has given back, too, at b.cc:7"));
  EXPECT_THAT(text(true), HasSubstr("Find who took the RWMutex made at "));
  EXPECT_THAT(text(true), Not(HasSubstr("Give back what is taken at b.cc:6")));
}

TEST(OrphanedLock, TwinWhoseHolderIsMissingFromABusyDumpIsSilent) {
  DumpBuilder dump;
  dump.Add(Busy());
  const SiteId at = dump.At("a.cc", 5);
  dump.Add(Lock(2, 6, at)).Add(Waiter(7, WaitKind::kMutexLock, 2, at)).End();
  EXPECT_EQ(Rules(Examine(dump)), "");
}

TEST(OrphanedLock, TwinThatCaughtTheLockBetweenTwoHoldersIsSilent) {
  DumpBuilder dump;
  const SiteId at = dump.At("a.cc", 5);
  dump.Add(Lock(2, 0, at)).Add(Waiter(7, WaitKind::kMutexLock, 2, at)).End();
  EXPECT_EQ(Rules(Examine(dump)), "");
}

// A task waits for a semaphore of four units, of which `free` are; `queued` tasks stand in line.
std::string Acquiring(std::int64_t free, std::uint32_t queued, const World& world,
                      std::vector<WaitCase> cases = {}) {
  DumpBuilder dump;
  const SiteId at = dump.At("a.cc", 5);
  Sync units = Lock(2, 0, at, SyncKind::kSemaphore);
  units.limit = 4;
  units.counter = free;
  units.waiters = queued;
  if (free < 4) units.last_add = LastBy(6, at);
  TaskSpec task = Waiter(7, WaitKind::kSemaphoreAcquire, 2, at);
  task.cases = std::move(cases);
  Context open;
  open.id = 5;
  open.kind = ContextKind::kCancel;
  open.has_cancel_func = true;
  dump.Add(world).Add(open).Add(units).Add(task);
  dump.Add(InState(8, world.quiet ? TaskState::kFinished : TaskState::kRunning)).End();
  return Rules(Examine(dump));
}

TEST(OversizedAcquire, ARequestAboveTheLimitIsFound) {
  EXPECT_EQ(Acquiring(4, 0, Quiet()), "oversized-acquire");
  EXPECT_EQ(Acquiring(4, 0, Busy()), "oversized-acquire");
  EXPECT_EQ(Acquiring(2, 0, Quiet()), "oversized-acquire");
}

TEST(OversizedAcquire, TwinsThatCanBeServedAreNot) {
  EXPECT_EQ(Acquiring(2, 1, Quiet()), "orphaned-lock");
  EXPECT_EQ(Acquiring(2, 0, Busy()), "");  // just about to be woken, perhaps
  EXPECT_EQ(Acquiring(2, 1, Busy()), "");
}

TEST(OversizedAcquire, AContextThatSomebodyMayEndIsWaitedFor) {
  EXPECT_EQ(Acquiring(4, 0, Busy(), {{CaseOp::kDone, 0, 5, 0}}), "");
}

TEST(WaitGroupStuck, TheMissingDoneIsCountedAndTheAddNamed) {
  DumpBuilder dump;
  const SiteId at = dump.At("a.cc", 5), add = dump.At("a.cc", 3);
  Sync group = Lock(2, 0, at, SyncKind::kWaitGroup);
  group.counter = 2;
  group.last_add = LastBy(7, add);
  dump.Add(group).Add(Waiter(7, WaitKind::kWaitGroupWait, 2, at)).End();
  const Finding f = Only(Examine(dump), "waitgroup-stuck");
  EXPECT_TRUE(HasFix(f, FixKind::kAddDone));
  EXPECT_THAT(AllText(f), HasSubstr("2 calls of Done() missing"));
  EXPECT_THAT(AllText(f), HasSubstr("a.cc:3"));
}

TEST(WaitGroupStuck, ACountedTaskThatIsStuckComesFirst) {
  DumpBuilder dump;
  const SiteId at = dump.At("a.cc", 5), send = dump.At("a.cc", 9);
  Sync group = Lock(2, 0, at, SyncKind::kWaitGroup);
  group.counter = 1;
  group.last_add = LastBy(6, at);
  TaskSpec handler = Sender(8, 3, send);
  handler.task.spawn = 8;
  dump.Add(Spawned(6, 6, 0)).Add(Spawned(8, 8, 6)).Add(group).Add(Unbuffered(3, at));
  dump.Add(handler).Add(Waiter(7, WaitKind::kWaitGroupWait, 2, at)).End();
  const std::string text = AllText(Only(Examine(dump), "waitgroup-stuck"));
  EXPECT_THAT(text, HasSubstr("Look first at a.cc:9: a task is blocked there, sending"));
  EXPECT_THAT(text, Not(HasSubstr("missing")));
}

TEST(WaitGroupStuck, ATaskUnlikeThoseThatWereDoneComesSecond) {
  DumpBuilder dump;
  const SiteId at = dump.At("a.cc", 5), job = dump.At("a.cc", 8), reader = dump.At("a.cc", 9);
  Sync group = Lock(2, 0, at, SyncKind::kWaitGroup);
  group.counter = 1;
  group.last_add = LastBy(6, at);
  group.last_done = LastBy(9, job);
  TaskSpec stuck = Receiver(8, 3, reader), done = InState(9, TaskState::kFinished);
  stuck.task.spawn = 8;
  done.task.spawn = 9;
  dump.Add(Spawned(6, 6, 0)).Add(Spawned(8, 8, 6, reader)).Add(Spawned(9, 9, 6, job)).Add(group);
  dump.Add(Unbuffered(3, at)).Add(stuck).Add(done);
  dump.Add(Waiter(7, WaitKind::kWaitGroupWait, 2, at)).End();
  const Finding f = Only(Examine(dump), "waitgroup-stuck");
  ASSERT_EQ(f.fixes().size(), 2u);
  EXPECT_THAT(f.fixes()[0].summary, HasSubstr("1 call of Done() missing"));
  EXPECT_THAT(f.fixes()[1].summary, HasSubstr("Look first at a.cc:9"));
  EXPECT_THAT(AllText(f), Not(HasSubstr("it waits for task 8")));
}

TEST(WaitGroupStuck, OfGoNoDoneIsAskedFor) {
  for (const bool go : {false, true}) {
    DumpBuilder dump;
    const SiteId at = dump.At("a.cc", 5), add = dump.At("a.cc", 13), send = dump.At("a.cc", 9);
    Sync group = Lock(2, 0, at, SyncKind::kWaitGroup);
    group.counter = 1;
    group.last_add = LastBy(6, add);
    TaskSpec handler = Sender(8, 3, send);
    handler.task.spawn = 8;
    dump.Add(Spawned(6, 6, 0)).Add(Spawned(8, 8, 6, go ? add : at)).Add(group);
    dump.Add(Unbuffered(3, at)).Add(handler).Add(Waiter(7, WaitKind::kWaitGroupWait, 2, at)).End();
    const std::string text = AllText(Only(Examine(dump), "waitgroup-stuck"));
    EXPECT_THAT(text, HasSubstr("Look first at a.cc:9"));
    EXPECT_EQ(text.find("must call Done()") == std::string::npos, go) << text;
  }
}

TEST(WaitGroupStuck, TwinsWithAWorkerOrAZeroCounterAreSilent) {
  DumpBuilder busy, zero;
  busy.Add(Busy());
  const SiteId at = busy.At("a.cc", 5), zero_at = zero.At("a.cc", 5);
  Sync group = Lock(2, 0, at, SyncKind::kWaitGroup);
  group.counter = 1;
  busy.Add(group).Add(Waiter(7, WaitKind::kWaitGroupWait, 2, at));
  busy.Add(InState(8, TaskState::kRunnable)).End();
  EXPECT_EQ(Rules(Examine(busy)), "");
  group.counter = 0;
  zero.Add(group).Add(Waiter(7, WaitKind::kWaitGroupWait, 2, zero_at)).End();
  EXPECT_EQ(Rules(Examine(zero)), "");
}

TEST(CondStuck, ALostWakeUpIsNamed) {
  DumpBuilder dump;
  const SiteId at = dump.At("a.cc", 5), signal = dump.At("a.cc", 8);
  Sync cond = Lock(2, 0, at, SyncKind::kCond);
  cond.last_signal = LastBy(8, signal);
  cond.lost_signals = cond.signals = 1;
  DumpBuilder more = dump;
  dump.Add(cond).Add(Waiter(7, WaitKind::kCondWait, 2, at)).End();
  const Finding f = Only(Examine(dump), "cond-stuck");
  EXPECT_THAT(AllText(f), HasSubstr("Lost wake-up: the signal at a.cc:8 came before the wait"));
  cond.signals = 3;
  more.Add(cond).Add(Waiter(7, WaitKind::kCondWait, 2, at)).End();
  EXPECT_THAT(
      AllText(Only(Examine(more), "cond-stuck")),
      HasSubstr("1 of 3 signals came while nobody waited and had no effect: a lost wake-up, "
                "unless the state"));
  EXPECT_THAT(AllText(f), HasSubstr("a.cc:8"));
}

TEST(CondStuck, ASignalThatLeftOthersWaitingIsNamed) {
  DumpBuilder dump;
  const SiteId at = dump.At("a.cc", 5), signal = dump.At("a.cc", 8);
  Sync cond = Lock(2, 0, at, SyncKind::kCond);
  cond.last_signal = LastBy(8, signal);
  cond.signals = 9;
  cond.lost_signals = 8;  // before: they are not the cause
  cond.counter = cond.waiters = 2;
  dump.Add(cond).Add(Waiter(6, WaitKind::kCondWait, 2, at));
  dump.Add(Waiter(7, WaitKind::kCondWait, 2, at)).End();
  const std::string text = AllText(Only(Examine(dump), "cond-stuck"));
  EXPECT_THAT(text, Not(HasSubstr("lost wake-up")));
  EXPECT_THAT(text,
              HasSubstr("Call Broadcast() instead of Signal() at a.cc:8 if what changed there lets "
                        "all of them go on: it woke one of 3 waiters."));
}

TEST(CondStuck, OfThoseThatCameLaterNothingIsSaid) {
  DumpBuilder dump;
  const SiteId at = dump.At("a.cc", 5), signal = dump.At("a.cc", 8);
  Sync cond = Lock(2, 0, at, SyncKind::kCond);
  cond.last_signal = LastBy(8, signal);
  cond.signals = 1;
  dump.Add(cond).Add(Waiter(7, WaitKind::kCondWait, 2, at)).End();
  EXPECT_THAT(AllText(Only(Examine(dump), "cond-stuck")), Not(HasSubstr("instead of Signal()")));
}

TEST(CondStuck, TwinsInBusyWorldsAndOfDaemonsAreSilent) {
  DumpBuilder busy, daemon;
  busy.Add(Busy());
  const Sync cond = Lock(2, 0, 0, SyncKind::kCond);
  busy.Add(cond).Add(Waiter(7, WaitKind::kCondWait, 2, 0)).Add(InState(8, TaskState::kSleeping));
  EXPECT_EQ(Rules(Examine(busy.End())), "");
  TaskSpec task = Waiter(7, WaitKind::kCondWait, 2, 0);
  task.task.daemon = true;
  EXPECT_EQ(Rules(Examine(daemon.Add(cond).Add(task).End())), "");
}

TEST(OnceStuck, WaitersBehindAFirstCallThatHangsAreFound) {
  DumpBuilder dump;
  const SiteId at = dump.At("a.cc", 5);
  dump.Add(Lock(2, 6, at, SyncKind::kOnce)).Add(Unbuffered(3, at)).Add(Receiver(6, 3, at));
  dump.Add(Waiter(7, WaitKind::kOnceWait, 2, at)).End();
  const Analysis analysis = Examine(dump);
  EXPECT_EQ(Rules(analysis), "abandoned-recv,once-stuck");
  EXPECT_THAT(AllText(Only(analysis, "once-stuck")), HasSubstr("The first call was by task 6"));
}

TEST(OnceStuck, ARecursionIsOneFindingAndItsRunnerComesFirst) {
  DumpBuilder dump;
  const SiteId at = dump.At("a.cc", 5), inner = dump.At("a.cc", 6);
  dump.Add(Lock(2, 7, at, SyncKind::kOnce)).Add(Waiter(6, WaitKind::kOnceWait, 2, at));
  dump.Add(Waiter(7, WaitKind::kOnceWait, 2, inner)).End();
  const Finding f = Only(Examine(dump), "once-stuck");
  EXPECT_THAT(f.data().tasks, ElementsAre(7, 6));
  EXPECT_EQ(f.wait_site().line, 6u);
  EXPECT_THAT(AllText(f), HasSubstr("Keep the Do() at a.cc:6 out of the function"));
}

TEST(OnceStuck, TwinWhoseFirstCallSleepsIsSilent) {
  DumpBuilder dump;
  dump.Add(Busy());
  dump.Add(Lock(2, 6, 0, SyncKind::kOnce)).Add(InState(6, TaskState::kSleeping));
  dump.Add(Waiter(7, WaitKind::kOnceWait, 2, 0)).End();
  EXPECT_EQ(Rules(Examine(dump)), "");
}

TEST(OnceStuck, TwinWhoseFirstCallSitsInTheKernelIsSilent) {
  DumpBuilder dump;
  dump.Add(Busy());
  dump.Add(Lock(2, 6, 0, SyncKind::kOnce)).Add(InState(6, TaskState::kSyscall));
  dump.Add(Waiter(7, WaitKind::kOnceWait, 2, 0)).End();
  EXPECT_EQ(Rules(Examine(dump)), "");
}

}  // namespace
}  // namespace stranded::detector
