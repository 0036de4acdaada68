// cancelled-send, -recv, -select, -wait: blocked although the own context has ended.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/detector/dump_builder.h"

namespace stranded::detector {
namespace {

using ::testing::HasSubstr;

Channel Made(Id id, SiteId at) {
  Channel channel;
  channel.id = id;
  channel.site = at;
  channel.elem_type = "int";
  channel.creator_task = 1;
  return channel;
}

TaskSpec With(TaskSpec task, Id context) {
  task.task.context = context;
  return task;
}

// Three senders behind a receiver that took its done case: the classic.
DumpBuilder FirstAnswer(const World& world) {
  DumpBuilder dump;
  dump.Add(world);
  const SiteId made = dump.At("app/fetch.cc", 10, "FirstAnswer()");
  const SiteId send = dump.At("app/fetch.cc", 14, "Fetch()");
  const SiteId select = dump.At("app/fetch.cc", 20, "FirstAnswer()");
  const SiteId timeout = dump.At("app/fetch.cc", 9, "FirstAnswer()");
  Context context = Ended(5, timeout);
  context.kind = ContextKind::kTimeout;
  context.err = ContextErr::kDeadlineExceeded;
  context.ended_by_task = 0;
  dump.Add(context);
  Channel channel = Made(3, made);
  channel.sends_started = channel.waiting_senders = 3;
  channel.last_receiver.task = 1;
  channel.last_receiver.site = select;
  channel.last_receiver.outcome = PeerOutcome::kLeft;
  channel.last_receiver.left_op = CaseOp::kDone;
  channel.last_receiver.left_site = dump.At("app/fetch.cc", 21, "FirstAnswer()");
  channel.last_receiver.left_context = 5;
  dump.Add(channel);
  for (const Id id : {7, 8, 9}) dump.Add(With(Sender(id, 3, send), 5));
  TaskSpec main = InState(1, TaskState::kRunning);
  main.task.is_main = true;
  dump.Add(main);
  dump.End();
  return dump;
}

TEST(CancelledSend, SendersWhoseReceiverLeftAreOneFinding) {
  const Analysis analysis = Examine(FirstAnswer(Quiet()));
  ASSERT_EQ(Rules(analysis), "cancelled-send");
  const Finding f = Only(analysis, "cancelled-send");
  EXPECT_EQ(f.verdict(), "proven");
  EXPECT_EQ(f.task_count(), 3u);
  EXPECT_EQ(f.wait_site().line, 14u);
  EXPECT_EQ(f.channel_site().line, 10u);
  EXPECT_EQ(f.context_site().line, 9u);
  EXPECT_THAT(AllText(f), HasSubstr("task 1 was to receive at app/fetch.cc:20, but chose the done "
                                    "case at app/fetch.cc:21"));
}

TEST(CancelledSend, TheProposedCapacityIsTheNumberOfSenders) {
  const Finding f = Only(Examine(FirstAnswer(Quiet())), "cancelled-send");
  ASSERT_FALSE(f.fixes().empty());
  EXPECT_EQ(f.fixes()[0].kind, FixKind::kRaiseCapacity);
  EXPECT_EQ(f.fixes()[0].capacity, 3);
  EXPECT_EQ(f.fixes()[0].site.line, 10u);
  EXPECT_EQ(f.fixes()[0].verification, "not verified");
}

TEST(CancelledSend, InABusyProgramTheVerdictIsCancelledAfterTheMinimumAge) {
  DumpBuilder dump = FirstAnswer(Busy());
  EXPECT_EQ(Only(Examine(dump), "cancelled-send").verdict(), "cancelled");
}

TEST(CancelledSend, TwinJustCancelledInABusyProgramIsToBeLookedAtAgain) {
  AnalysisOptions options;
  options.min_age = absl::Seconds(6);  // the context ended five seconds ago
  const Analysis analysis = Examine(FirstAnswer(Busy()), options);
  EXPECT_EQ(Rules(analysis), "");
  EXPECT_EQ(analysis.look_again, 3u);
}

TEST(CancelledSend, TwinWithALiveReceiverIsSilent) {
  DumpBuilder dump;
  dump.Add(Busy());
  const SiteId at = dump.At("a.cc", 1);
  dump.Add(Ended(5, at));
  Channel channel = Made(3, at);
  channel.waiting_senders = 1;
  channel.last_receiver = LastOn(2, at, PeerOutcome::kCompleted);
  dump.Add(channel).Add(With(Sender(7, 3, at), 5)).Add(InState(2, TaskState::kSleeping)).End();
  EXPECT_EQ(Rules(Examine(dump)), "");
}

// A server whose main made the channel, and sleeps.
DumpBuilder MadeByASleeper(const Peer& last_receiver, std::uint64_t received = 0) {
  DumpBuilder dump;
  dump.Add(Busy());
  const SiteId at = dump.At("a.cc", 1);
  Channel channel = Made(3, at);
  channel.waiting_senders = 1;
  channel.last_receiver = last_receiver;
  channel.recvs_completed = received;
  TaskSpec main = InState(1, TaskState::kSleeping);
  main.task.is_main = true;
  dump.Add(Ended(5, at)).Add(channel).Add(With(Sender(7, 3, at), 5)).Add(main).End();
  return dump;
}

TEST(CancelledSend, WhoOnlyMadeTheChannelIsNotWaitedForLongerThanTheMinimumAge) {
  EXPECT_EQ(Only(Examine(MadeByASleeper({})), "cancelled-send").verdict(), "cancelled");
  AnalysisOptions options;
  options.min_age = absl::Seconds(6);  // the context ended five seconds ago
  EXPECT_EQ(Examine(MadeByASleeper({}), options).look_again, 1u);
}

// record=off: somebody has received, and it may be anyone who is not stuck.
TEST(CancelledSend, TwinWhoseReceiverIsNotNotedIsSilentWhileAnybodyMoves) {
  const Analysis analysis = Examine(MadeByASleeper({}, 1));
  EXPECT_EQ(Rules(analysis), "");
  EXPECT_EQ(analysis.look_again, 1u);
}

TEST(CancelledSend, TwinWhoseSleepingMakerHasReceivedBeforeIsSilent) {
  const Analysis analysis = Examine(MadeByASleeper(LastOn(1, 0, PeerOutcome::kCompleted)));
  EXPECT_EQ(Rules(analysis), "");
  EXPECT_EQ(analysis.look_again, 1u);
}

TEST(CancelledSend, TwinBehindAPipelineThatStillMovesIsSilent) {
  DumpBuilder dump;
  dump.Add(Busy());
  const SiteId at = dump.At("a.cc", 1);
  dump.Add(Ended(5, at));
  Channel first = Made(3, at), second = Made(4, at);
  first.waiting_senders = second.waiting_senders = 1;
  first.last_receiver = LastOn(8, at, PeerOutcome::kCompleted);
  second.last_receiver = LastOn(9, at, PeerOutcome::kCompleted);
  dump.Add(first).Add(second);
  dump.Add(With(Sender(7, 3, at), 5)).Add(With(Sender(8, 4, at), 5));
  dump.Add(InState(9, TaskState::kSyscall)).End();
  const Analysis analysis = Examine(dump);
  EXPECT_EQ(Rules(analysis), "");
  EXPECT_EQ(analysis.look_again, 2u);
}

TEST(CancelledSend, TwinOfADaemonIsSilent) {
  DumpBuilder dump;
  const SiteId at = dump.At("a.cc", 1);
  TaskSpec daemon = With(Sender(7, 3, at), 5);
  daemon.task.daemon = true;
  dump.Add(Ended(5, at)).Add(Made(3, at)).Add(daemon).End();
  EXPECT_EQ(Rules(Examine(dump)), "");
}

TEST(CancelledSend, AValueBelowTheEndedContextCountsAndWithoutCancelCutsTheChain) {
  DumpBuilder dump;
  const SiteId at = dump.At("a.cc", 1);
  Context value, detached;
  value.id = 6;
  value.parent = 5;
  value.kind = ContextKind::kValue;
  detached.id = 8;
  detached.parent = 5;
  detached.kind = ContextKind::kWithoutCancel;
  dump.Add(Ended(5, at)).Add(value).Add(detached).Add(Made(3, at));
  dump.Add(With(Sender(7, 3, at), 6)).Add(With(Sender(9, 3, at), 8)).End();
  const Analysis analysis = Examine(dump);
  EXPECT_EQ(Rules(analysis), "abandoned-send,cancelled-send");
  EXPECT_EQ(Only(analysis, "cancelled-send").data().tasks, std::vector<std::uint64_t>{7});
}

TEST(CancelledSend, ADumpOnRequestCountsOnTheMainThatGoesOn) {
  DumpBuilder dump = DumpBuilder::Bare();
  dump.Header(1).Begin("request").Add(Quiet());
  const SiteId at = dump.At("a.cc", 1);
  Context alive;
  alive.id = 6;
  alive.kind = ContextKind::kCancel;
  TaskSpec main = InState(1, TaskState::kRunning);
  main.task.is_main = true;
  dump.Add(alive).Add(Made(3, at)).Add(main).Add(With(Sender(7, 3, at), 6)).End();
  EXPECT_EQ(Rules(Examine(dump)), "");
}

TEST(CancelledRecv, AReceiverWithAnEndedContextIsFoundAndNotToldToBuffer) {
  DumpBuilder dump;
  const SiteId at = dump.At("a.cc", 1);
  dump.Add(Ended(5, at)).Add(Made(3, at)).Add(With(Receiver(7, 3, at), 5)).End();
  const Finding f = Only(Examine(dump), "cancelled-recv");
  EXPECT_FALSE(HasFix(f, FixKind::kRaiseCapacity));
  EXPECT_TRUE(HasFix(f, FixKind::kAddContextCase));
  EXPECT_THAT(AllText(f), HasSubstr("Buffering cannot help here"));
}

TEST(CancelledRecv, AChannelOfUnitThatNobodySendsOnIsMeantToBeClosed) {
  for (const bool sent : {false, true}) {
    DumpBuilder dump;
    const SiteId at = dump.At("a.cc", 1);
    Channel done = Made(3, at);
    done.elem_type = "stranded::Unit";
    done.sends_started = done.sends_completed = sent ? 1 : 0;
    dump.Add(Ended(5, at)).Add(done).Add(With(Receiver(7, 3, at), 5)).End();
    const Finding f = Only(Examine(dump), "cancelled-recv");
    EXPECT_EQ(HasFix(f, FixKind::kCloseChannel), !sent);
    EXPECT_TRUE(HasFix(f, FixKind::kAddContextCase));
  }
}

TEST(CancelledRecv, TwinOnATimersChannelIsSilent) {
  DumpBuilder dump;
  dump.Add(Busy());
  const SiteId at = dump.At("a.cc", 1);
  Channel tick = Made(3, at);
  tick.role = ChannelRole::kTimerTick;
  tick.timer_armed = true;
  dump.Add(Ended(5, at)).Add(tick).Add(With(Receiver(7, 3, at), 5)).End();
  EXPECT_EQ(Rules(Examine(dump)), "");
}

TEST(CancelledRecv, TwinThatWaitsForItsOwnWorkersIsSilent) {
  DumpBuilder dump;
  dump.Add(Busy());
  const SiteId at = dump.At("a.cc", 1);
  dump.Add(Ended(5, at)).Add(Made(3, at)).Add(With(Receiver(7, 3, at), 5));
  dump.Add(Spawned(70, 7, 0)).Add(Spawned(80, 8, 70));
  TaskSpec worker = InState(8, TaskState::kRunning);
  worker.task.spawn = 80;
  dump.Add(worker).End();
  EXPECT_EQ(Rules(Examine(dump)), "");
}

TEST(CancelledSelect, ASelectWithoutTheDoneCaseIsFound) {
  DumpBuilder dump;
  const SiteId at = dump.At("a.cc", 1);
  dump.Add(Ended(5, at)).Add(Made(3, at)).Add(Made(4, at));
  dump.Add(With(InSelect(7, at, {{CaseOp::kRecv, 3, 0, at}, {CaseOp::kSend, 4, 0, at}}), 5)).End();
  const Finding f = Only(Examine(dump), "cancelled-select");
  EXPECT_TRUE(HasFix(f, FixKind::kAddContextCase));
}

TEST(CancelledSelect, TwinWhoseDoneCaseIsReadyIsSilent) {
  DumpBuilder dump;
  const SiteId at = dump.At("a.cc", 1);
  dump.Add(Ended(5, at)).Add(Made(3, at));
  dump.Add(With(InSelect(7, at, {{CaseOp::kRecv, 3, 0, at}, {CaseOp::kDone, 0, 5, at}}), 5)).End();
  EXPECT_EQ(Rules(Examine(dump)), "");
}

TEST(CancelledSelect, TwinThatListensToAContextWithADeadlineAheadIsSilent) {
  DumpBuilder dump;
  dump.Add(Busy());
  const SiteId at = dump.At("a.cc", 1);
  Context ahead;
  ahead.id = 6;
  ahead.kind = ContextKind::kTimeout;
  ahead.timer_pending = true;
  dump.Add(Ended(5, at)).Add(ahead).Add(Made(3, at));
  dump.Add(With(InSelect(7, at, {{CaseOp::kRecv, 3, 0, at}, {CaseOp::kDone, 0, 6, at}}), 5)).End();
  EXPECT_EQ(Rules(Examine(dump)), "");
}

Sync Group(Id id, std::int64_t counter) {
  Sync sync;
  sync.id = id;
  sync.kind = SyncKind::kWaitGroup;
  sync.counter = counter;
  return sync;
}

TEST(CancelledWait, AWaitGroupNobodyFinishesIsFound) {
  DumpBuilder dump;
  const SiteId at = dump.At("a.cc", 1);
  dump.Add(Ended(5, at)).Add(Group(2, 1));
  dump.Add(With(Waiter(7, WaitKind::kWaitGroupWait, 2, at), 5)).End();
  EXPECT_EQ(Only(Examine(dump), "cancelled-wait").task_count(), 1u);
}

TEST(CancelledWait, TwinThatWaitsForWorkersThatCleanUpIsSilent) {
  DumpBuilder dump;
  dump.Add(Busy());
  const SiteId at = dump.At("a.cc", 1);
  Sync group = Group(2, 1);
  group.last_add = LastBy(7, at);
  dump.Add(Ended(5, at)).Add(group);
  dump.Add(With(Waiter(7, WaitKind::kWaitGroupWait, 2, at), 5));
  dump.Add(Spawned(70, 7, 0)).Add(Spawned(80, 8, 70));
  TaskSpec worker = InState(8, TaskState::kSleeping);
  worker.task.spawn = 80;
  dump.Add(worker).End();
  EXPECT_EQ(Rules(Examine(dump)), "");
}

TEST(CancelledWait, TwinBehindALockWhoseHolderRunsIsSilent) {
  DumpBuilder dump;
  dump.Add(Busy());
  const SiteId at = dump.At("a.cc", 1);
  Sync mutex;
  mutex.id = 2;
  mutex.kind = SyncKind::kMutex;
  mutex.holder_task = 8;
  dump.Add(Ended(5, at)).Add(mutex).Add(InState(8, TaskState::kRunning));
  dump.Add(With(Waiter(7, WaitKind::kMutexLock, 2, at), 5)).End();
  EXPECT_EQ(Rules(Examine(dump)), "");
}

}  // namespace
}  // namespace stranded::detector
