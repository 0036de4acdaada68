// What a loop around a select keeps to itself, and when its channels learn of it. On threads: in
// controlled worlds each select says at once.
#include "runtime_hooks/select/left_later.h"

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <thread>

#include "detector/model/snapshot.h"
#include "stranded/dump.h"
#include "stranded/dump_reader.h"
#include "stranded/gtest.h"
#include "stranded/select.h"
#include "stranded/sync.h"
#include "stranded/task.h"
#include "tests/runtime/sync_test_support.h"

namespace stranded {
namespace {

using internal::ChanCore;
using internal::PeerOutcome;

// A thread of the default pool, without recording of events.
void OnThreads(const std::function<void()>& body) {
  if (internal::tracing.load()) GTEST_SKIP() << "every select is said at once";
  std::thread(body).join();
}

struct Streams {
  Chan<int> a{4}, b{4};
  Chan<Unit> stop;

  std::size_t Take() const { return Select(OnRecv(a), OnRecv(b), OnRecv(stop)); }
  // Takes from each in turn, b last.
  void TakeInTurn(int rounds = 3) const {
    for (int i = 0; i < rounds; ++i) {
      a.Send(i);
      Take();
      b.Send(i);
      Take();
    }
  }
};

// The channel for which the last receiver of `chan` left it; 0 if it did not leave.
template <class T>
std::uint64_t LeftFor(const Chan<T>& chan) {
  const ChanCore* const core = chan.core();
  internal::SpinGuard guard(core->lock);
  if (core->last_receiver.outcome() != PeerOutcome::kLeft) return 0;
  return core->receiver_left.object;
}

bool Unsaid() {
  const internal::LeftLater* const later = internal::CurrentTask()->left_later.load();
  return later != nullptr && later->unsaid;
}

TEST(LeftLater, ALoopKeepsItsChoicesUntilItsTaskFinishes) {
  OnThreads([] {
    const Streams streams;
    std::thread([&] {
      streams.TakeInTurn();
      EXPECT_TRUE(Unsaid());
      EXPECT_NE(LeftFor(streams.a), streams.b.core()->id);
    }).join();
    EXPECT_EQ(LeftFor(streams.a), streams.b.core()->id);
    EXPECT_EQ(LeftFor(streams.b), 0u);
    EXPECT_EQ(LeftFor(streams.stop), streams.b.core()->id);
    Go([&] {
      streams.TakeInTurn();
      streams.a.Send(0);
      streams.Take();
    }).Join();
    EXPECT_EQ(LeftFor(streams.b), streams.a.core()->id);
  });
}

TEST(LeftLater, ASelectThatWaitedKeepsItToo) {
  OnThreads([] {
    const Streams streams;
    const TaskHandle taker = Go([&] {
      for (int i = 0; i < 6; ++i) streams.Take();
      EXPECT_TRUE(Unsaid());
    });
    for (int i = 0; i < 3; ++i) {
      AwaitParked(taker.Id(), internal::WaitKind::kSelect);
      streams.a.Send(i);
      AwaitParked(taker.Id(), internal::WaitKind::kSelect);
      streams.b.Send(i);
    }
    taker.Join();
    EXPECT_EQ(LeftFor(streams.a), streams.b.core()->id);
  });
}

TEST(LeftLater, ItIsSaidBeforeASelectElsewhere) {
  OnThreads([] {
    const Streams streams;
    streams.TakeInTurn();
    EXPECT_TRUE(Unsaid());
    const Chan<int> other(1);
    Select(OnRecv(other), Default());
    EXPECT_FALSE(Unsaid());
    EXPECT_EQ(LeftFor(streams.a), streams.b.core()->id);
  });
}

TEST(LeftLater, TheEndOfAStreamIsSaidAtOnce) {
  OnThreads([] {
    const Streams streams;
    streams.TakeInTurn();
    streams.stop.Close();
    EXPECT_EQ(streams.Take(), 2u);
    EXPECT_FALSE(Unsaid());
    EXPECT_EQ(LeftFor(streams.a), streams.stop.core()->id);
    EXPECT_EQ(LeftFor(streams.b), streams.stop.core()->id);
  });
}

TEST(LeftLater, ASnapshotSaysItForTasksThatWaitElsewhereAndForItsOwn) {
  OnThreads([] {
    const Streams streams, own;
    const Chan<Unit> go_on;
    const TaskHandle taker = Go([&] {
      streams.TakeInTurn();
      go_on.Recv();
    });
    AwaitParked(taker.Id(), internal::WaitKind::kChanRecv);
    own.TakeInTurn();
    EXPECT_NE(LeftFor(streams.a), streams.b.core()->id);
    CaptureDump();
    EXPECT_EQ(LeftFor(streams.a), streams.b.core()->id);
    EXPECT_EQ(LeftFor(own.a), own.b.core()->id);
    go_on.Close();
    taker.Join();
  });
}

// A channel may be read with the task that waits there: before, or after, the one that left it.
TEST(LeftLater, ASnapshotSaysItBeforeItReadsChannels) {
  for (const bool sender_is_older : {true, false}) {
    OnThreads([sender_is_older] {
      const Streams streams;
      const Chan<Unit> begin, go_on;
      const auto start_sender = [&] {
        return Go([&] {
          begin.Recv();
          for (int i = 0; i < 5; ++i) streams.a.Send(i);
        });
      };
      TaskHandle sender;
      if (sender_is_older) sender = start_sender();
      const TaskHandle taker = Go([&] {
        streams.TakeInTurn();
        go_on.Recv();
      });
      AwaitParked(taker.Id(), internal::WaitKind::kChanRecv);
      if (!sender_is_older) sender = start_sender();
      begin.Close();
      AwaitParked(sender.Id(), internal::WaitKind::kChanSend);
      const auto dump = detector::ReadDump(CaptureDump(), "here");
      ASSERT_TRUE(dump.ok()) << dump.status();
      const auto& channels = (*dump)->snapshots.back().channels;
      const detector::Channel* const a = channels.Find(streams.a.core()->id);
      ASSERT_NE(a, nullptr);
      EXPECT_EQ(a->last_receiver.outcome, detector::PeerOutcome::kLeft) << sender_is_older;
      EXPECT_EQ(a->last_receiver.left_channel, streams.b.core()->id);
      EXPECT_EQ(a->last_sender.outcome, detector::PeerOutcome::kWaiting);
      EXPECT_EQ(a->last_sender.task, sender.Id().value);
      go_on.Close();
      taker.Join();
      streams.a.Recv();
      sender.Join();
    });
  }
}

TEST(LeftLater, AYoungerNoteOfAnotherTaskStays) {
  OnThreads([] {
    const Streams streams;
    streams.TakeInTurn();
    {
      internal::SpinGuard guard(streams.a.core()->lock);
      streams.a.core()->last_receiver.task = 1;
      streams.a.core()->last_receiver.at_ns += 1;
    }
    internal::SayUnsaid(internal::CurrentTask());
    internal::SpinGuard guard(streams.a.core()->lock);
    EXPECT_EQ(streams.a.core()->last_receiver.task, 1u);
  });
}

TEST(LeftLater, AnotherChannelAtTheSameAddressIsNotTold) {
  OnThreads([] {
    const auto streams = std::make_unique<Streams>();
    auto gone = std::make_unique<Chan<int>>(1);
    const ChanCore* const place = gone->core();
    for (int i = 0; i < 4; ++i) {
      const Chan<int>& next = i % 2 == 0 ? streams->a : streams->b;
      next.Send(i);
      Select(OnRecv(streams->a), OnRecv(streams->b), OnRecv(*gone));
    }
    EXPECT_TRUE(Unsaid());
    gone.reset();
    const Chan<int> fresh(1);
    ASSERT_EQ(fresh.core(), place);
    internal::SayUnsaid(internal::CurrentTask());
    EXPECT_EQ(LeftFor(streams->a), streams->b.core()->id);
    internal::SpinGuard guard(fresh.core()->lock);
    EXPECT_EQ(fresh.core()->last_receiver.task, 0u);
  });
}

TEST(LeftLater, SendsAreSaidAtOnce) {
  OnThreads([] {
    const Streams streams;
    const Chan<int> out;
    for (int i = 0; i < 4; ++i) {
      const Chan<int>& next = i % 2 == 0 ? streams.a : streams.b;
      next.Send(i);
      Select(OnRecv(streams.a), OnRecv(streams.b), OnSend(out, 1));
      EXPECT_FALSE(Unsaid());
    }
    EXPECT_EQ(LeftFor(streams.a), streams.b.core()->id);
  });
}

}  // namespace
}  // namespace stranded
