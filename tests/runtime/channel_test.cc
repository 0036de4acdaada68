// Channels: what the Go specification and memory model promise.
#include "stranded/channel.h"

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "runtime_hooks/channel/chan_core.h"
#include "stranded/context.h"
#include "stranded/gtest.h"
#include "stranded/select.h"
#include "stranded/sync.h"
#include "stranded/task.h"
#include "stranded/wait_group.h"
#include "tests/runtime/sync_test_support.h"

namespace stranded {
namespace {

// Counts how many values are alive, to see that none is lost or destroyed twice.
struct Counted {
  static inline std::atomic<int> alive{0};
  explicit Counted(int v = 0) : value(v) { ++alive; }
  Counted(const Counted& o) : value(o.value) { ++alive; }
  Counted(Counted&& o) noexcept : value(o.value) {
    o.value = -1;
    ++alive;
  }
  Counted& operator=(Counted&& o) noexcept {
    value = o.value;
    o.value = -1;
    return *this;
  }
  ~Counted() { --alive; }
  int value;
};

TEST(Channel, UnbufferedSendReturnsOnlyWhenReceived) {
  Chan<int> c;
  std::atomic<bool> received{false}, returned_early{false};
  TaskHandle sender = Go([&] {
    c.Send(1);
    if (!received) returned_early = true;
  });
  for (int i = 0; i < 20; ++i) this_task::Yield();
  received = true;
  EXPECT_EQ(c.Recv(), 1);
  sender.Join();
  EXPECT_FALSE(returned_early);
}

TEST(Channel, ValuesComeInTheOrderTheyWereSent) {
  for (const std::size_t capacity : {0, 1, 3, 64}) {
    Chan<int> c(capacity);
    Go([c] {
      for (int i = 0; i < 200; ++i) c.Send(i);
      c.Close();
    });
    int expected = 0;
    for (const int v : c) EXPECT_EQ(v, expected++);
    EXPECT_EQ(expected, 200);
  }
}

// The k-th receive comes before the completion of the (k+C)-th send.
TEST(Channel, AtMostCapacitySendsRunAhead) {
  constexpr int kCapacity = 3;
  Chan<int> c(kCapacity);
  std::atomic<int> sent{0}, received{0};
  TaskHandle sender = Go([&] {
    for (int i = 0; i < 50; ++i) {
      c.Send(i);
      EXPECT_LE(++sent, received + kCapacity + 1);
    }
  });
  for (int i = 0; i < 50; ++i) {
    EXPECT_EQ(c.Recv(), i);
    ++received;
    this_task::Yield();
  }
  sender.Join();
}

TEST(Channel, WaitersAreServedFirstInFirstOut) {
  Chan<int> c;
  std::vector<TaskHandle> senders;
  for (int i = 0; i < 5; ++i) {
    senders.push_back(Go([c, i] { c.Send(i); }));
    AwaitParked(senders.back().Id(), internal::WaitKind::kChanSend);
  }
  for (int i = 0; i < 5; ++i) EXPECT_EQ(c.Recv(), i);
  for (const TaskHandle& sender : senders) sender.Join();
}

TEST(Channel, CloseWakesAllReceivers) {
  Chan<int> c;
  WaitGroup wg;
  std::atomic<int> woken{0};
  for (int i = 0; i < 10; ++i) {
    wg.Go([&] {
      EXPECT_EQ(c.Recv(), std::nullopt);
      ++woken;
    });
  }
  for (int i = 0; i < 20; ++i) this_task::Yield();
  c.Close();
  wg.Wait();
  EXPECT_EQ(woken, 10);
}

TEST(Channel, AClosedChannelIsDrainedFirst) {
  Chan<int> c(3);
  c.Send(1);
  c.Send(2);
  c.Close();
  EXPECT_EQ(c.Recv(), 1);
  EXPECT_EQ(c.Recv(), 2);
  EXPECT_EQ(c.Recv(), std::nullopt);
  EXPECT_EQ(c.Recv(), std::nullopt);
  EXPECT_TRUE(c.TryRecv().closed());
}

// Polls in vain take a short way, and still say now and then who looked last.
TEST(Channel, ATaskThatPollsForLongIsNotedAgain) {
  Chan<int> values(1);
  EXPECT_TRUE(values.TryRecv().empty());
  values.Send(1);
  std::uint64_t other = 0;
  Go([&] {
    other = this_task::Id().value;
    values.Recv();
  }).Join();
  const internal::ChanCore* const core = values.core();
  EXPECT_EQ(core->last_receiver.task, other);
  for (int i = 0; i < 200; ++i) EXPECT_TRUE(values.TryRecv().empty());
  EXPECT_EQ(core->last_receiver.task, this_task::Id().value);
  EXPECT_EQ(core->last_receiver.outcome(), internal::PeerOutcome::kLeft);
}

// Whoever waits is the last one seen, whatever was noted before and whoever looks in vain
// meanwhile.
TEST(Channel, TheLastOneSeenIsTheOneThatWaits) {
  const Chan<int> values;
  const auto receiver = [core = values.core()] {
    internal::SpinGuard guard(core->lock);
    return internal::LastOn(core, false);
  };
  values.TryRecv();
  EXPECT_EQ(receiver().task, this_task::Id().value);
  EXPECT_EQ(receiver().outcome(), internal::PeerOutcome::kLeft);
  const TaskHandle waits = Go([values] { values.Recv(); });
  AwaitParked(waits.Id(), internal::WaitKind::kChanRecv);
  values.TryRecv();
  EXPECT_EQ(receiver().task, waits.Id().value);
  EXPECT_EQ(receiver().outcome(), internal::PeerOutcome::kWaiting);
  values.Send(1);
  EXPECT_EQ(receiver().task, waits.Id().value);
  EXPECT_EQ(receiver().outcome(), internal::PeerOutcome::kCompleted);
  waits.Join();
}

// Also of tasks that take turns on one thread, at one place: what a thread did last is known by
// less than the task.
TEST(Channel, TheLastOneSeenIsTheOneThatCameThrough) {
  const auto rounds = [] {
    const Chan<int> values(64);
    // Until the channel's lock is this thread's own.
    for (int i = 0; i < 5000; ++i) {
      values.Send(i);
      values.Recv();
    }
    const auto pass = [values](bool send) {
      send ? values.Send(1) : (void)values.Recv();
      internal::SpinGuard guard(values.core()->lock);
      const internal::ChanPeer last = internal::LastOn(values.core(), send);
      EXPECT_EQ(last.task, this_task::Id().value);
      EXPECT_EQ(last.outcome(), internal::PeerOutcome::kCompleted);
      return values.core()->repeat_sends();
    };
    WaitGroup group;
    for (int i = 0; i < 2; ++i) {
      group.Go([&pass] {
        for (int n = 0; n < 16; ++n) {
          pass(true);
          if (n % 2 == 1) this_task::Yield();
          if (n % 4 == 3) pass(false);
        }
      });
    }
    group.Wait();
    const std::uint64_t before = pass(true);
    EXPECT_EQ(pass(true), before + 1);
  };
  Pool pool({.workers = 1});
  pool.Go(rounds).Join();
}

void SendHere(const Chan<int>& values) { values.Send(1); }

// Sends when its thread ends: as another task than before.
struct SendsAtTheEnd {
  const Chan<int>* first = nullptr;
  const Chan<int>* second = nullptr;
  std::uint64_t* sender = nullptr;
  ~SendsAtTheEnd() {
    if (sender == nullptr) return;
    SendHere(*first);
    *sender = this_task::Id().value;
    SendHere(*second);
  }
};
thread_local SendsAtTheEnd sends_at_the_end;

TEST(Channel, ATaskIsNotTheOneThatItsThreadWasBefore) {
  const Chan<int> first(2), second(2);
  std::uint64_t before = 0, after = 0;
  const int adopted = internal::adopted_threads.load();
  std::thread([&] {
    // One by one: a temporary of that type would send, too.
    sends_at_the_end.first = &first;
    sends_at_the_end.second = &second;
    sends_at_the_end.sender = &after;
    before = this_task::Id().value;
    for (int i = 0; i < 5000; ++i) {
      for (const Chan<int>* values : {&first, &second}) {
        SendHere(*values);
        if (i < 4999) values->Recv();
      }
    }
  }).join();
  EXPECT_NE(before, after);
  EXPECT_EQ(internal::adopted_threads.load(), adopted);  // neither is left
  internal::SpinGuard guard(second.core()->lock);
  EXPECT_EQ(internal::LastOn(second.core(), true).task, after);
}

// Once for each that began, though a select that waited takes its offer back.
TEST(Channel, SendsOfASelectThatWaitsAreRepeatsOnce) {
  const Chan<int> values;
  const Chan<Unit> stop;
  const TaskHandle sender = Go([values, stop] {
    for (int i = 0; i < 3; ++i) Select(OnSend(values, i), OnRecv(stop));
    Select(OnSend(values, 3), OnRecv(stop));
  });
  for (int i = 0; i < 3; ++i) {
    AwaitParked(sender.Id(), internal::WaitKind::kSelect);
    values.Recv();
  }
  AwaitParked(sender.Id(), internal::WaitKind::kSelect);
  stop.Close();
  sender.Join();
  internal::SpinGuard guard(values.core()->lock);
  EXPECT_EQ(values.core()->repeat_sends(), 3u);  // the one it left was begun, too
  EXPECT_EQ(values.core()->last_sender.outcome(), internal::PeerOutcome::kLeft);
}

// That one of several comes back is enough to know; how often is not counted.
TEST(Channel, ASenderThatComesBackAfterOthersIsARepeat) {
  const Chan<int> values;
  const Chan<int> again;
  const auto repeats = [core = values.core()] {
    internal::SpinGuard guard(core->lock);
    return core->repeat_sends();
  };
  const TaskHandle twice = Go([values, again] {
    values.Send(1);
    again.Recv();
    values.Send(3);
  });
  values.Recv();
  const TaskHandle once = Go([values] { values.Send(2); });
  values.Recv();
  EXPECT_EQ(repeats(), 0u);  // two senders, one value each
  again.Send(0);
  values.Recv();
  EXPECT_EQ(repeats(), 1u);
  twice.Join();
  once.Join();
}

// Each of two sends again while the other waits: what tells endless producers from single answers.
TEST(Channel, SendsAreRepeatsThoughAnotherSenderWaits) {
  const Chan<int> values;
  const auto send = [values] {
    for (int i = 0; i < 4; ++i) values.Send(i);
  };
  const TaskHandle one = Go(send);
  AwaitParked(one.Id(), internal::WaitKind::kChanSend);
  const TaskHandle other = Go(send);
  for (int i = 0; i < 8; ++i) {
    // In turns: the one that has waited longest is served, and sends again behind the other.
    if (i < 7) AwaitParked((i % 2 == 0 ? other : one).Id(), internal::WaitKind::kChanSend);
    values.Recv();
  }
  one.Join();
  other.Join();
  internal::SpinGuard guard(values.core()->lock);
  EXPECT_GE(values.core()->repeat_sends(), 4u);
}

TEST(Channel, MisuseOfCloseThrows) {
  const int line = __LINE__;
  Chan<int> c(1);
  c.Close();
  EXPECT_THROW(c.Send(1), ClosedChannelError);
  EXPECT_THROW(c.TrySend(1), ClosedChannelError);
  EXPECT_THROW(c.Close(), ClosedChannelError);
  try {
    c.Close();
  } catch (const ClosedChannelError& e) {
    EXPECT_NE(std::string(e.what()).find(absl::StrCat("first closed at ", __FILE__, ":", line + 2)),
              std::string::npos)
        << e.what();
  }
  EXPECT_THROW(Chan<int>::Nil().Close(), ClosedChannelError);
}

TEST(Channel, CloseThrowsInParkedSenders) {
  Chan<int> c;
  TaskHandle sender = Go([&] { EXPECT_THROW(c.Send(1), ClosedChannelError); });
  for (int i = 0; i < 20; ++i) this_task::Yield();
  c.Close();
  sender.Join();
}

TEST(Channel, TryOperationsNeverBlock) {
  Chan<int> c(1);
  EXPECT_TRUE(c.TryRecv().empty());
  EXPECT_TRUE(c.TrySend(5));
  EXPECT_FALSE(c.TrySend(6));
  EXPECT_EQ(c.TryRecv().value, 5);
  Chan<int> unbuffered;
  EXPECT_FALSE(unbuffered.TrySend(1));
  EXPECT_FALSE(Chan<int>::Nil().TrySend(1));
  EXPECT_TRUE(Chan<int>::Nil().TryRecv().empty());
}

TEST(Channel, SizeAndCapacity) {
  Chan<int> c(4);
  EXPECT_EQ(c.capacity(), 4U);
  c.Send(1);
  EXPECT_EQ(c.size(), 1U);
  EXPECT_EQ(Chan<int>::Nil().capacity(), 0U);
  EXPECT_TRUE(Chan<int>::Nil().IsNil());
}

TEST(Channel, MoveOnlyValues) {
  Chan<std::unique_ptr<std::string>> c;
  Go([c] { c.Send(std::make_unique<std::string>("moved")); });
  EXPECT_EQ(**c.Recv(), "moved");
}

TEST(Channel, EveryValueIsMovedOnceAndDestroyedOnce) {
  const int before = Counted::alive;
  {
    Chan<Counted> rendezvous, buffered(2);
    TaskHandle sender = Go([&] {
      for (int i = 0; i < 10; ++i) rendezvous.Send(Counted(i));
      for (int i = 0; i < 10; ++i) buffered.Send(Counted(i));
    });
    for (int i = 0; i < 10; ++i) EXPECT_EQ(rendezvous.Recv()->value, i);
    for (int i = 0; i < 8; ++i) EXPECT_EQ(buffered.Recv()->value, i);
    sender.Join();
    EXPECT_EQ(Counted::alive, before + 2);  // the two that are left in the buffer
  }
  EXPECT_EQ(Counted::alive, before);
}

TEST(Channel, OneWayViewsShareTheChannel) {
  Chan<int> c(1);
  const Sender<int> in = c;
  const Receiver<int> out = c;
  in.Send(3);
  EXPECT_EQ(out.Recv(), 3);
  EXPECT_TRUE(Sender<int>().IsNil());
}

TEST(Channel, SendAndReceiveGiveUpWithTheContext) {
  auto [ctx, cancel] = WithCancel(Background());
  Chan<int> c;
  TaskHandle sender = Go([&, ctx = ctx] { EXPECT_TRUE(absl::IsCancelled(c.Send(ctx, 1))); });
  TaskHandle receiver = Go([ctx = ctx] {
    Chan<int> other;
    EXPECT_TRUE(absl::IsCancelled(other.Recv(ctx).status()));
  });
  for (int i = 0; i < 20; ++i) this_task::Yield();
  cancel();
  sender.Join();
  receiver.Join();
  EXPECT_TRUE(absl::IsCancelled(c.Send(ctx, 2)));
}

TEST(Channel, ReceiveWithContextOnAClosedChannelIsOutOfRange) {
  Chan<int> c;
  c.Close();
  EXPECT_TRUE(absl::IsOutOfRange(c.Recv(Background()).status()));
}

TEST(Channel, ManySendersManyReceivers) {
  Chan<int> c(4);
  WaitGroup senders, receivers;
  std::atomic<long> sum{0}, count{0};
  for (int s = 0; s < 8; ++s) {
    senders.Go([&, s] {
      for (int i = 0; i < 100; ++i) c.Send(s * 100 + i);
    });
  }
  for (int r = 0; r < 4; ++r) {
    receivers.Go([&] {
      for (const int v : c) {
        sum += v;
        ++count;
      }
    });
  }
  senders.Wait();
  c.Close();
  receivers.Wait();
  EXPECT_EQ(count, 800);
  EXPECT_EQ(sum, 799 * 800 / 2);
}

TEST(Channel, ASendOnANilChannelIsFoundOut) {
  ExpectLeak("nil-channel", 2);
  Go([] { Chan<int>::Nil().Send(1); });
  Go([] { Receiver<int>().Recv(); });
}

TEST(Channel, AForgottenSenderIsFoundOut) {
  ExpectLeak("abandoned-send");
  Chan<int> c;
  Go([c] { c.Send(1); });
}

}  // namespace
}  // namespace stranded
