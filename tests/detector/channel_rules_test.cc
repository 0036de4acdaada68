// nil-channel, empty-select, unclosed-channel, abandoned-send, abandoned-recv.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/detector/dump_builder.h"
#include "tests/detector/object_specs.h"

namespace stranded::detector {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(NilChannel, IsProvenEvenWhileOthersRun) {
  DumpBuilder dump;
  dump.Add(Busy());
  const SiteId at = dump.At("a.cc", 5);
  dump.Add(Waiter(7, WaitKind::kChanRecvNil, 0, at)).Add(InState(8, TaskState::kRunning)).End();
  const Finding f = Only(Examine(dump), "nil-channel");
  EXPECT_EQ(f.verdict(), "proven");
  EXPECT_TRUE(HasFix(f, FixKind::kMakeChannel));
}

TEST(NilChannel, ASelectOfNilCasesOnlyIsOne) {
  DumpBuilder dump;
  const SiteId at = dump.At("a.cc", 5);
  dump.Add(InSelect(7, at, {{CaseOp::kRecv, 0, 0, at}, {CaseOp::kSend, 0, 0, at}})).End();
  EXPECT_EQ(Rules(Examine(dump)), "nil-channel");
}

TEST(NilChannel, TwinsWithAnotherCaseAreSilent) {
  DumpBuilder channel, done;
  channel.Add(Busy());
  done.Add(Busy());
  const SiteId at = channel.At("a.cc", 5), there = done.At("a.cc", 5);
  channel.Add(Unbuffered(3, at)).Add(InState(8, TaskState::kRunning));
  channel.Add(InSelect(7, at, {{CaseOp::kRecv, 0, 0, at}, {CaseOp::kRecv, 3, 0, at}})).End();
  EXPECT_EQ(Rules(Examine(channel)), "");
  Context context;
  context.id = 6;
  context.kind = ContextKind::kCancel;
  done.Add(context).Add(InState(8, TaskState::kRunning));
  // A done case whose Done() channel is not listed still has its context.
  done.Add(InSelect(7, there, {{CaseOp::kRecv, 0, 0, there}, {CaseOp::kDone, 0, 6, there}})).End();
  EXPECT_EQ(Rules(Examine(done)), "");
}

TEST(EmptySelect, IsProven) {
  DumpBuilder dump;
  const SiteId at = dump.At("a.cc", 5);
  dump.Add(Waiter(7, WaitKind::kSelectEmpty, 0, at)).End();
  EXPECT_EQ(Only(Examine(dump), "empty-select").verdict(), "proven");
}

TEST(EmptySelect, TwinsOfMainAndOfDaemonsAreSilent) {
  DumpBuilder dump;
  dump.Add(Busy());
  const SiteId at = dump.At("a.cc", 5);
  TaskSpec main = Waiter(1, WaitKind::kSelectEmpty, 0, at);
  main.task.is_main = true;
  TaskSpec daemon = Waiter(2, WaitKind::kSelectEmpty, 0, at);
  daemon.task.daemon = true;
  dump.Add(main).Add(daemon).Add(InState(8, TaskState::kRunning)).End();
  EXPECT_EQ(Rules(Examine(dump)), "");
}

TaskSpec Looper(Id id, Id channel, SiteId at) {
  TaskSpec task = Receiver(id, channel, at);
  task.task.range = true;
  return task;
}

TEST(UnclosedChannel, LoopersAreOneFindingAndToldToClose) {
  DumpBuilder dump;
  const SiteId at = dump.At("a.cc", 5), send = dump.At("a.cc", 9);
  Channel jobs = Unbuffered(3, at);
  jobs.waiting_receivers = 2;
  jobs.sends_completed = jobs.sends_started = 4;
  jobs.last_sender = LastOn(1, send, PeerOutcome::kCompleted);
  dump.Add(jobs).Add(Looper(7, 3, at)).Add(Looper(8, 3, at)).End();
  const Finding f = Only(Examine(dump), "unclosed-channel");
  EXPECT_EQ(f.task_count(), 2u);
  EXPECT_TRUE(HasFix(f, FixKind::kCloseChannel));
  EXPECT_THAT(AllText(f), HasSubstr("a.cc:9"));
  EXPECT_THAT(AllText(f), HasSubstr("Buffering cannot help here"));
}

TEST(UnclosedChannel, SeveralSendersAreNamedOnlyWhereTheyAreKnown) {
  const auto told = [](std::uint64_t completed, std::uint64_t repeats, Id last) {
    DumpBuilder dump;
    const SiteId at = dump.At("a.cc", 5);
    Channel jobs = Unbuffered(3, at);
    jobs.sends_completed = jobs.sends_started = completed;
    jobs.repeat_sends = repeats;
    if (last != 0) jobs.last_sender = LastOn(last, at, PeerOutcome::kCompleted);
    return AllText(Only(Examine(dump.Add(jobs).Add(Looper(7, 3, at)).End()), "unclosed-channel"));
  };
  EXPECT_THAT(told(4, 2, 1), HasSubstr("Several tasks send here"));
  EXPECT_THAT(told(4, 3, 1), Not(HasSubstr("Several tasks send here")));
  EXPECT_THAT(told(1, 0, 1), Not(HasSubstr("Several tasks send here")));
  EXPECT_THAT(told(4, 0, 0), Not(HasSubstr("Several tasks send here")));  // record=off
}

TEST(UnclosedChannel, TwinsWithALiveSenderOrAClosedChannelAreSilent) {
  DumpBuilder busy, closed;
  busy.Add(Busy());
  const SiteId at = busy.At("a.cc", 5), there = closed.At("a.cc", 5);
  busy.Add(Unbuffered(3, at)).Add(Looper(7, 3, at)).Add(InState(8, TaskState::kSleeping)).End();
  EXPECT_EQ(Rules(Examine(busy)), "");
  Channel gone = Unbuffered(3, there);
  gone.closed = true;
  closed.Add(gone).Add(Looper(7, 3, there)).End();
  EXPECT_EQ(Rules(Examine(closed)), "");
}

TEST(AbandonedSend, ASenderNobodyReceivesFromGetsRoomForItsValue) {
  DumpBuilder dump;
  const SiteId at = dump.At("a.cc", 5);
  Channel channel = Unbuffered(3, at);
  channel.waiting_senders = 1;
  channel.sends_started = 1;
  dump.Add(channel).Add(Sender(7, 3, at)).End();
  const Finding f = Only(Examine(dump), "abandoned-send");
  ASSERT_TRUE(HasFix(f, FixKind::kRaiseCapacity));
  EXPECT_EQ(f.fixes()[0].capacity, 1);
  EXPECT_THAT(AllText(f), HasSubstr("Nobody has ever received from this channel"));
}

TEST(AbandonedSend, TwinsInMidFlightAreSilent) {
  DumpBuilder room, receiver;
  const SiteId at = room.At("a.cc", 5), there = receiver.At("a.cc", 5);
  Channel with_room = Unbuffered(3, at), with_receiver = Unbuffered(3, there);
  with_room.capacity = 1;
  with_receiver.waiting_receivers = 1;
  EXPECT_EQ(Rules(Examine(room.Add(with_room).Add(Sender(7, 3, at)).End())), "");
  EXPECT_EQ(Rules(Examine(receiver.Add(with_receiver).Add(Sender(7, 3, there)).End())), "");
}

TEST(AbandonedSend, AQuietWorldThatAnUnreadTaskContradictsProvesNothing) {
  DumpBuilder dump;
  const SiteId at = dump.At("a.cc", 5);
  Loss loss;
  loss.tasks_unread = 1;
  dump.Add(Unbuffered(3, at)).Add(Sender(7, 3, at)).Add(loss).End();
  const Analysis analysis = Examine(dump);
  EXPECT_EQ(Rules(analysis), "");
  EXPECT_EQ(analysis.look_again, 1u);
}

TEST(AbandonedRecv, IsFoundWithoutABuffer) {
  DumpBuilder dump;
  const SiteId at = dump.At("a.cc", 5);
  Channel channel = Unbuffered(3, at);
  channel.waiting_receivers = 1;
  dump.Add(channel).Add(Receiver(7, 3, at)).End();
  const Finding f = Only(Examine(dump), "abandoned-recv");
  EXPECT_FALSE(HasFix(f, FixKind::kRaiseCapacity));
  EXPECT_THAT(AllText(f), HasSubstr("Nobody has ever sent on this channel"));
}

TEST(AbandonedRecv, AWaitForTheEndOfContextsIsNoSend) {
  for (const std::size_t ends : {1, 2}) {
    DumpBuilder dump;
    const SiteId at = dump.At("a.cc", 5), made = dump.At("a.cc", 3);
    Context context;
    context.id = 6;
    context.kind = ContextKind::kCancel;
    context.site = made;
    context.has_cancel_func = true;
    const std::vector<WaitCase> cases(ends, {CaseOp::kDone, 0, 6, at});
    dump.Add(context).Add(InSelect(7, at, cases)).End();
    const Finding f = Only(Examine(dump), "abandoned-recv");
    EXPECT_THAT(std::string(f.title()),
                HasSubstr(ends == 1 ? "waiting for the end of the context made at a.cc:3"
                                    : "in a select none of whose cases can ever happen"));
    ASSERT_FALSE(f.fixes().empty());
    EXPECT_THAT(f.fixes()[0].summary, HasSubstr("Cancel the context made at a.cc:3"));
  }
}

TEST(AbandonedRecv, TwinsWithATimerOrAValueAreSilent) {
  DumpBuilder timer, value;
  timer.Add(Busy());
  const SiteId at = timer.At("a.cc", 5), there = value.At("a.cc", 5);
  timer.Add(Unbuffered(3, at)).Add(Receiver(7, 3, at));
  Timer tick;
  tick.kind = TimerKind::kChannel;
  tick.object = 3;
  tick.world = 1;
  EXPECT_EQ(Rules(Examine(timer.Add(tick).End())), "");
  Channel full = Unbuffered(3, there);
  full.capacity = full.length = 1;
  EXPECT_EQ(Rules(Examine(value.Add(full).Add(Receiver(7, 3, there)).End())), "");
}

TEST(Grouping, OnePlaceSeenFromTwoUnitsIsOneCause) {
  DumpBuilder dump;
  const SiteId made = dump.At("a.h", 5), first = dump.At("a.h", 9), second = dump.At("a.h", 9);
  dump.Add(Unbuffered(3, made)).Add(Sender(7, 3, first)).Add(Sender(8, 3, second)).End();
  const Analysis analysis = Examine(dump);
  ASSERT_EQ(analysis.findings.size(), 1u);
  EXPECT_EQ(analysis.findings[0].task_count(), 2u);
}

}  // namespace
}  // namespace stranded::detector
