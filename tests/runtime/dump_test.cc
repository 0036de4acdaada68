#include "stranded/dump.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <fstream>
#include <functional>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "detector/model/snapshot.h"
#include "runtime_hooks/channel/chan_core.h"
#include "stranded/channel.h"
#include "stranded/dump_reader.h"
#include "stranded/internal/check_support.h"
#include "stranded/task.h"
#include "tests/runtime/dump_test_support.h"
#include "tests/runtime/sync_test_support.h"

namespace stranded {
namespace {

using internal::WaitKind;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::SizeIs;

TaskHandle GoNamed(const std::string& name, std::function<void()> fn) {
  SpawnOptions options;
  options.name = name;
  return Go(options, Background(), std::move(fn));
}

TEST(DumpTest, ProtocReadsABlockedSend) {
  if (!HaveProtoc()) GTEST_SKIP() << "protoc is not installed";
  const Chan<int> chan;
  const TaskHandle sender = GoNamed("the sender", [chan] { chan.Send(1); });
  AwaitParked(sender.Id(), WaitKind::kChanSend);
  DumpOptions options;
  options.label = "my test";
  const std::string text = DecodeWithProtoc(CaptureDump(options));
  EXPECT_EQ(chan.Recv(), 1);
  EXPECT_THAT(text, HasSubstr("producer: \"stranded "));
  EXPECT_THAT(text, HasSubstr("label: \"my test\""));
  const auto tasks = PacketsWith(text, "task", "name: \"the sender\"");
  ASSERT_THAT(tasks, SizeIs(1));
  EXPECT_THAT(tasks[0], HasSubstr("state: BLOCKED"));
  EXPECT_THAT(tasks[0], HasSubstr("kind: CHAN_SEND"));
  EXPECT_THAT(tasks[0], HasSubstr("op: CASE_SEND"));
  EXPECT_THAT(PacketsWith(text, "channel", "waiting_senders: 1"), Not(SizeIs(0)));
  EXPECT_THAT(text, HasSubstr("dump_test.cc"));
  EXPECT_THAT(text, HasSubstr("end {"));
}

// Whether the sender waited for its receiver or the receiver for it.
TEST(DumpTest, CountsEachSendButTheFirstOfOneTaskAsARepeat) {
  if (!HaveProtoc()) GTEST_SKIP() << "protoc is not installed";
  const Chan<int> chan(2);
  const TaskHandle sender = GoNamed("sends in a loop", [chan] {
    for (int i = 0; i < 7; ++i) chan.Send(i);
  });
  AwaitParked(sender.Id(), WaitKind::kChanSend);  // with the third
  chan.Recv();
  chan.Recv();
  AwaitParked(sender.Id(), WaitKind::kChanSend);  // with the fifth
  const std::string text = DecodeWithProtoc(CaptureDump());
  for (int i = 0; i < 5; ++i) chan.Recv();
  sender.Join();
  const std::string counts = "high_water: 2\n    sends_started: 5\n    sends_completed: 4\n";
  const auto channel = PacketsWith(text, "channel", counts);
  ASSERT_THAT(channel, SizeIs(1));
  EXPECT_THAT(channel[0], HasSubstr("repeat_sends: 4"));
}

TEST(DumpTest, CountsNoRepeatWhereEachSendIsOfAnotherTask) {
  if (!HaveProtoc()) GTEST_SKIP() << "protoc is not installed";
  const Chan<int> chan(2);
  for (int i = 0; i < 2; ++i) GoNamed("sends once", [chan] { chan.Send(1); }).Join();
  const TaskHandle last = GoNamed("sends once", [chan] { chan.Send(1); });
  AwaitParked(last.Id(), WaitKind::kChanSend);
  const std::string text = DecodeWithProtoc(CaptureDump());
  chan.Recv();
  last.Join();
  const std::string counts = "high_water: 2\n    sends_started: 3\n    sends_completed: 2\n";
  const auto channel = PacketsWith(text, "channel", counts);
  ASSERT_THAT(channel, SizeIs(1));
  EXPECT_THAT(channel[0], Not(HasSubstr("repeat_sends: 1")));
}

TEST(DumpTest, SleepingTaskIsNotBlocked) {
  if (!HaveProtoc()) GTEST_SKIP() << "protoc is not installed";
  const TaskHandle sleeper =
      GoNamed("sleeper", [] { this_task::SleepFor(absl::Milliseconds(50)); });
  AwaitParked(sleeper.Id(), WaitKind::kSleep);
  const std::string text = DecodeWithProtoc(CaptureDump());
  sleeper.Join();
  const auto tasks = PacketsWith(text, "task", "name: \"sleeper\"");
  ASSERT_THAT(tasks, SizeIs(1));
  EXPECT_THAT(tasks[0], HasSubstr("state: SLEEPING"));
  EXPECT_THAT(tasks[0], HasSubstr("until_ns: "));
}

TEST(DumpTest, NamesThePeerThatHasFinished) {
  if (!HaveProtoc()) GTEST_SKIP() << "protoc is not installed";
  const Chan<int> chan;
  const TaskHandle sender = GoNamed("sender", [chan] {
    chan.Send(1);
    chan.Send(2);
  });
  GoNamed("took one and left", [chan] { chan.Recv(); }).Join();
  AwaitParked(sender.Id(), WaitKind::kChanSend);
  const std::string text = DecodeWithProtoc(CaptureDump());
  chan.Recv();
  const auto gone = PacketsWith(text, "task", "name: \"took one and left\"");
  ASSERT_THAT(gone, SizeIs(1));
  EXPECT_THAT(gone[0], HasSubstr("state: FINISHED"));
  EXPECT_THAT(PacketsWith(text, "channel", "last_receiver"), Not(SizeIs(0)));
}

// One that waits alone is read together with its channel, others are not.
TEST(DumpTest, AChannelTellsOfThoseWhoWaitHoweverManyTheyAre) {
  const Chan<int> values;
  std::vector<TaskHandle> receivers;
  std::uint32_t handles = 0;
  for (std::uint32_t waiting = 1; waiting <= 3; ++waiting) {
    receivers.push_back(Go([values] { values.Recv(); }));
    AwaitParked(receivers.back().Id(), WaitKind::kChanRecv);
    const auto dump = detector::ReadDump(CaptureDump(), "here");
    ASSERT_TRUE(dump.ok()) << dump.status();
    const detector::Channel* const c = (*dump)->snapshots.back().channels.Find(values.core()->id);
    ASSERT_NE(c, nullptr);
    EXPECT_EQ(c->waiting_receivers, waiting);
    EXPECT_EQ(c->recvs_started, waiting);
    EXPECT_EQ(c->last_receiver.outcome, detector::PeerOutcome::kWaiting);
    EXPECT_EQ(c->last_receiver.task, receivers.back().Id().value);
    EXPECT_GT(c->last_receiver.at_ns, 0);
    const std::uint32_t its_own = waiting > 1 ? c->handles - handles : 1;
    EXPECT_EQ(its_own, 1u);
    handles = c->handles;
  }
  values.Close();
  for (const TaskHandle& receiver : receivers) receiver.Join();
}

TEST(DumpTest, EveryPrefixHoldsWholePackets) {
  const Chan<int> chan(3);
  chan.Send(1);
  const std::string dump = CaptureDump();
  const std::size_t all = WholePackets(dump).size();
  EXPECT_GT(all, 4u);
  std::size_t before = 0;
  for (std::size_t cut = 0; cut <= dump.size(); cut += 37) {
    const std::size_t now = WholePackets(std::string_view(dump).substr(0, cut)).size();
    EXPECT_GE(now, before);
    before = now;
  }
  EXPECT_EQ(WholePackets(std::string_view(dump).substr(0, dump.size() - 1)).size(), all - 1);
}

TEST(DumpTest, ScopeFilterLeavesOthersOut) {
  if (!HaveProtoc()) GTEST_SKIP() << "protoc is not installed";
  const Chan<int> chan;
  const TaskHandle outside = GoNamed("outside", [chan] { chan.Recv(); });
  internal::ScopeNode* scope = internal::BeginScope("inner");
  const TaskHandle inside = GoNamed("inside", [chan] { chan.Recv(); });
  AwaitParked(outside.Id(), WaitKind::kChanRecv);
  AwaitParked(inside.Id(), WaitKind::kChanRecv);
  DumpOptions options;
  options.scope = internal::ScopeId(scope);
  const std::string text = DecodeWithProtoc(CaptureDump(options));
  chan.Close();
  inside.Join();
  outside.Join();
  internal::EndScope(scope);
  EXPECT_THAT(PacketsWith(text, "task", "name: \"inside\""), SizeIs(1));
  EXPECT_THAT(PacketsWith(text, "task", "name: \"outside\""), SizeIs(0));
}

TEST(DumpTest, WriteDumpLeavesOnlyTheDump) {
  const TemporaryDir dir;
  ASSERT_TRUE(WriteDump(dir.File("d")).ok());
  EXPECT_EQ(dir.entries(), 1u);
  EXPECT_GT(WholePackets(ReadFile(dir.File("d"))).size(), 3u);
}

// Process ids come again: one that was killed may have left its own.
TEST(DumpTest, WriteDumpMindsNoTemporaryFileOfAnother) {
  const TemporaryDir dir;
  for (int i = 0; i < 50; ++i) {
    std::ofstream(dir.File(absl::StrCat("d.", getpid(), ".", i, ".tmp"))) << "half";
  }
  const absl::Status status = WriteDump(dir.File("d"));
  ASSERT_TRUE(status.ok()) << status;
  EXPECT_EQ(dir.entries(), 51u);
}

TEST(DumpTest, WriteDumpNamesThePathThatFails) {
  const TemporaryDir dir;
  const std::string path = dir.File("no/such/directory/d");
  const absl::Status status = WriteDump(path);
  EXPECT_FALSE(status.ok());
  EXPECT_THAT(std::string(status.message()), HasSubstr(path));
  EXPECT_THAT(std::string(status.message()), HasSubstr("No such file"));
}

// The world of a finished task may be gone while a handle still keeps its record.
TEST(DumpTest, HandleOutlivesThePool) {
  TaskHandle handle;
  {
    Pool pool({.workers = 1});
    handle = pool.Go([] {});
    handle.Join();
  }
  EXPECT_GT(WholePackets(CaptureDump()).size(), 3u);
  EXPECT_TRUE(handle.Finished());
}

TEST(DumpTest, TasksGoOnWhileSnapshotsAreTaken) {
  constexpr int kPairs = 8, kRounds = 300;
  Pool pool({.workers = 2});
  std::atomic<int> received{0};
  std::vector<TaskHandle> tasks;
  for (int p = 0; p < kPairs; ++p) {
    const Chan<int> chan;
    tasks.push_back(pool.Go([chan] {
      for (int i = 0; i < kRounds; ++i) chan.Send(i);
      chan.Close();
    }));
    tasks.push_back(pool.Go([chan, &received] {
      while (chan.Recv().has_value()) received.fetch_add(1);
    }));
  }
  std::atomic<bool> stop{false};
  std::thread looker([&] {
    while (!stop.load()) EXPECT_GT(WholePackets(CaptureDump()).size(), 3u);
  });
  for (const TaskHandle& task : tasks) task.Join();
  stop.store(true);
  looker.join();
  EXPECT_EQ(received.load(), kPairs * kRounds);
}

// A task gets the node that its children point to while a snapshot may be reading where it is from.
TEST(DumpTest, TasksBecomeParentsWhileSnapshotsAreTaken) {
  constexpr int kParents = 400;
  Pool pool({.workers = 2});
  std::atomic<bool> stop{false};
  std::thread looker([&] {
    while (!stop.load()) EXPECT_GT(WholePackets(CaptureDump()).size(), 3u);
  });
  std::atomic<int> children{0};
  std::vector<TaskHandle> parents;
  for (int p = 0; p < kParents; ++p) {
    parents.push_back(pool.Go([&children] {
      this_task::Yield();
      const TaskHandle child = Go([&children] { children.fetch_add(1); });
      child.Join();
    }));
  }
  for (const TaskHandle& parent : parents) parent.Join();
  stop.store(true);
  looker.join();
  EXPECT_EQ(children.load(), kParents);
}

}  // namespace
}  // namespace stranded
