// What the dump at exit says of tasks beside threads and daemons, which never end.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "stranded/report.h"
#include "tests/detector/dump_builder.h"
#include "tests/detector/object_specs.h"

namespace stranded::detector {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

World WithAThread() {
  World world = Busy();
  world.external = 1;
  return world;
}

TaskSpec Daemon(TaskSpec task) {
  task.task.daemon = true;
  return task;
}

// A task that has waited for `age` to send on a channel, as `reason` sees it, and `other`.
DumpBuilder Left(std::string_view reason, const World& world, std::int64_t age,
                 const std::vector<TaskSpec>& others = {}, const Peer& last_receiver = {}) {
  DumpBuilder dump = DumpBuilder::Bare();
  dump.Header(1).Begin(reason).Add(world);
  const SiteId at = dump.At("a.cc", 5);
  Channel channel = Unbuffered(3, at);
  channel.waiting_senders = 1;
  channel.sends_started = 1;
  channel.last_receiver = last_receiver;
  TaskSpec sender = Sender(7, 3, at);
  sender.task.since_ns = kNow - age;
  dump.Add(channel).Add(sender);
  for (const TaskSpec& other : others) dump.Add(other);
  dump.End();
  return dump;
}

TEST(AtExit, WhoWaitsBesideAThreadThatIsNoTaskIsLate) {
  const Finding f = Only(Examine(Left("exit", WithAThread(), 2 * kSecond)), "abandoned-send");
  EXPECT_EQ(f.verdict(), "outlived");
  EXPECT_THAT(AllText(f), HasSubstr("Main had returned"));
  EXPECT_TRUE(HasFix(f, FixKind::kRaiseCapacity));
}

TEST(AtExit, SoIsWhoWaitsBesideDaemons) {
  for (const TaskState state : {TaskState::kSleeping, TaskState::kSyscall, TaskState::kRunning}) {
    const Analysis a = Examine(Left("exit", Busy(), 2 * kSecond, {Daemon(InState(8, state))}));
    EXPECT_EQ(Only(a, "abandoned-send").verdict(), "outlived");
  }
}

TEST(AtExit, AtOnceWhereNothingIsAheadButTimersOfDaemons) {
  const Analysis a =
      Examine(Left("exit", Busy(), kSecond / 1000, {Daemon(InState(8, TaskState::kSleeping))}));
  EXPECT_EQ(Only(a, "abandoned-send").verdict(), "outlived");
}

TEST(AtExit, NotWhileTheProgramRuns) {
  for (const char* reason : {"request", "signal SIGQUIT", "timeout", "live"}) {
    const Analysis a = Examine(Left(reason, WithAThread(), 100 * kSecond));
    EXPECT_EQ(Rules(a), "") << reason;
    EXPECT_EQ(a.look_again, 1u) << reason;
  }
}

TEST(AtExit, NotWhileOtherTasksAreAtWork) {
  for (const TaskState state : {TaskState::kSleeping, TaskState::kSyscall, TaskState::kRunning}) {
    EXPECT_EQ(Rules(Examine(Left("exit", Busy(), 2 * kSecond, {InState(8, state)}))), "");
  }
}

TEST(AtExit, NotIfItHasJustBegunToWait) {
  EXPECT_EQ(Rules(Examine(Left("exit", WithAThread(), kSecond / 2))), "");
}

TEST(AtExit, NotIfADaemonHasServedIt) {
  const TaskSpec daemon = Daemon(InState(8, TaskState::kSleeping));
  const Peer served = LastOn(8, 1, PeerOutcome::kCompleted);
  EXPECT_EQ(Rules(Examine(Left("exit", Busy(), 20 * kSecond, {daemon}, served))), "");
}

}  // namespace
}  // namespace stranded::detector
