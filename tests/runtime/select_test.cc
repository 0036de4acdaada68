// Select: fairness, exactly one case, nil channels, defaults.
#include "stranded/select.h"

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <source_location>
#include <thread>
#include <vector>

#include "detector/model/snapshot.h"
#include "runtime_hooks/channel/chan_core.h"
#include "runtime_hooks/scheduler/biased_lock.h"
#include "stranded/dump.h"
#include "stranded/dump_reader.h"
#include "stranded/gtest.h"
#include "stranded/sync.h"
#include "stranded/task.h"

namespace stranded {
namespace {

TEST(Select, TakesTheReadyCaseAndRunsItsHandler) {
  Chan<int> a(1), b(1);
  b.Send(7);
  int got = 0;
  EXPECT_EQ(Select(OnRecv(a), OnRecv(b, [&](std::optional<int> v) { got = *v; })), 1U);
  EXPECT_EQ(got, 7);
}

TEST(Select, DefaultOnlyWhenNothingIsReady) {
  Chan<int> c(1);
  bool nothing = false;
  EXPECT_EQ(Select(OnRecv(c), Default([&] { nothing = true; })), 1U);
  EXPECT_TRUE(nothing);
  c.Send(1);
  EXPECT_EQ(Select(OnRecv(c), Default()), 0U);
}

TEST(Select, EachReadyCaseIsTakenAboutEquallyOften) {
  constexpr int kRounds = 4000;
  std::array<Chan<int>, 4> chans = {Chan<int>(1), Chan<int>(1), Chan<int>(1), Chan<int>(1)};
  for (auto& c : chans) c.Send(0);
  std::array<int, 4> taken{};
  for (int i = 0; i < kRounds; ++i) {
    const std::size_t k =
        Select(OnRecv(chans[0]), OnRecv(chans[1]), OnRecv(chans[2]), OnRecv(chans[3]));
    ++taken[k];
    chans[k].Send(0);
  }
  // 1000 each; a fair draw is further off than 200 about once in 10^13 times.
  for (const int n : taken) EXPECT_NEAR(n, kRounds / 4.0, 200);
}

// With nil channels in between the others stay equally likely.
TEST(Select, FairAmongTheReadyOnesOnly) {
  Chan<int> a(1), b(1);
  const Chan<int> nil = Chan<int>::Nil();
  a.Send(0);
  b.Send(0);
  int first = 0;
  for (int i = 0; i < 2000; ++i) {
    const bool took_a = Select(OnRecv(a), OnRecv(nil), OnRecv(nil), OnRecv(b)) == 0;
    first += took_a;
    (took_a ? a : b).Send(0);
  }
  EXPECT_NEAR(first, 1000, 170);
}

TEST(Select, ParkedSelectIsWokenByOneOfMany) {
  for (int round = 0; round < 30; ++round) {
    Chan<int> a, b;
    std::atomic<int> sent{0};
    auto [ctx, cancel] = WithCancel(Background());
    WaitGroup wg;
    for (const Chan<int>& c : {a, b}) {
      wg.Go([&, c, ctx = ctx] {
        if (c.Send(ctx, 1).ok()) ++sent;
      });
    }
    int received = 0;
    Select(OnRecv(a, [&](std::optional<int>) { ++received; }),
           OnRecv(b, [&](std::optional<int>) { ++received; }));
    cancel();
    wg.Wait();
    EXPECT_EQ(received, 1);
    EXPECT_EQ(sent, 1);  // the other one was not taken
  }
}

TEST(Select, SendCaseHappensOnlyWithAReceiver) {
  Chan<int> c;
  TaskHandle receiver = Go([&] { EXPECT_EQ(c.Recv(), 9); });
  EXPECT_EQ(Select(OnSend(c, 9)), 0U);
  receiver.Join();
}

TEST(Select, SendAndReceiveOnTheSameChannel) {
  Chan<int> c;
  std::atomic<int> received{0};
  TaskHandle other =
      Go([&] { Select(OnSend(c, 1), OnRecv(c, [&](std::optional<int>) { ++received; })); });
  Select(OnSend(c, 2), OnRecv(c, [&](std::optional<int>) { ++received; }));
  other.Join();
  EXPECT_EQ(received, 1);
}

TEST(Select, TheSameChannelTwice) {
  Chan<int> c;
  TaskHandle sender = Go([&] { c.Send(4); });
  int got = 0;
  Select(OnRecv(c, [&](std::optional<int> v) { got = *v; }),
         OnRecv(c, [&](std::optional<int> v) { got = *v; }));
  sender.Join();
  EXPECT_EQ(got, 4);
}

TEST(Select, SendOnAClosedChannelThrows) {
  Chan<int> c;
  c.Close();
  EXPECT_THROW(Select(OnSend(c, 1)), ClosedChannelError);
  Chan<int> later;
  TaskHandle waiting = Go([&] { EXPECT_THROW(Select(OnSend(later, 1)), ClosedChannelError); });
  for (int i = 0; i < 20; ++i) this_task::Yield();
  later.Close();
  waiting.Join();
}

TEST(Select, ReceiveFromAClosedChannelGivesNothing) {
  Chan<int> c;
  c.Close();
  bool closed = false;
  Select(OnRecv(c, [&](std::optional<int> v) { closed = !v.has_value(); }));
  EXPECT_TRUE(closed);
}

TEST(Select, DoneOfAContext) {
  auto [ctx, cancel] = WithCancel(Background());
  Chan<int> never;
  TaskHandle waiting = Go([&, ctx = ctx] { EXPECT_EQ(Select(OnRecv(never), OnDone(ctx)), 1U); });
  for (int i = 0; i < 20; ++i) this_task::Yield();
  cancel();
  waiting.Join();
  EXPECT_EQ(Select(OnDone(Background()), Default()), 1U);
}

TEST(Select, FiftyCasesBuiltAtRunTime) {
  std::vector<Chan<int>> chans;
  SelectSet set;
  int sum = 0;
  for (int i = 0; i < 50; ++i) {
    chans.emplace_back();
    set.Add(OnRecv(chans.back(), [&](std::optional<int> v) { sum += *v; }));
  }
  TaskHandle sender = Go([&] {
    for (int i = 0; i < 50; ++i) chans[static_cast<std::size_t>(49 - i)].Send(i);
  });
  for (int i = 0; i < 50; ++i) EXPECT_EQ(Select(set), static_cast<std::size_t>(49 - i));
  sender.Join();
  EXPECT_EQ(sum, 49 * 50 / 2);
}

TEST(Select, ASetCanSendItsValueAgain) {
  Chan<int> c(2);
  SelectSet set;
  set.Add(OnSend(c, 5));
  Select(set);
  Select(set);
  EXPECT_EQ(c.Recv(), 5);
  EXPECT_EQ(c.Recv(), 5);
}

TEST(Select, ManySelectsAgainstEachOther) {
  Chan<int> a, b, c;
  std::atomic<int> sent{0}, received{0};
  auto [ctx, cancel] = WithCancel(Background());
  WaitGroup wg;
  for (int t = 0; t < 6; ++t) {
    wg.Go([&, ctx = ctx] {
      for (int i = 0; i < 100; ++i) {
        bool over = false;
        Select(OnSend(a, 1, [&] { ++sent; }), OnRecv(b, [&](std::optional<int>) { ++received; }),
               OnSend(c, 1, [&] { ++sent; }), OnDone(ctx, [&] { over = true; }));
        if (over) return;
      }
    });
    wg.Go([&, ctx = ctx] {
      for (int i = 0; i < 100; ++i) {
        bool over = false;
        Select(OnRecv(c, [&](std::optional<int>) { ++received; }), OnSend(b, 1, [&] { ++sent; }),
               OnRecv(a, [&](std::optional<int>) { ++received; }),
               OnDone(ctx, [&] { over = true; }));
        if (over) return;
      }
    });
  }
  for (int i = 0; i < 200; ++i) this_task::Yield();
  cancel();
  wg.Wait();
  EXPECT_EQ(sent, received);
}

TEST(Select, AnEmptySelectIsFoundOut) {
  ExpectLeak("empty-select");
  Go([] { Select(); });
}

TEST(Select, AnEmptySetIsFoundOut) {
  ExpectLeak("empty-select");
  Go([] {
    SelectSet set;
    Select(set);
  });
}

// The count of changes comes round within its own part of the word.
TEST(Select, AChannelKeepsItsIdInItsGlance) {
  using internal::ChanCore;
  ChanCore* const chan =
      internal::NewChan(internal::OpsFor<int>(), 1, std::source_location::current());
  const std::uint64_t id = ChanCore::IdInGlance(chan->glance.load());
  EXPECT_EQ(id, chan->id & 0x1fffffff);
  {
    internal::SpinGuard guard(chan->lock);
    chan->NotePolled();
    chan->glance.store(chan->glance.load() | ~std::uint64_t{0xffffffff});
    chan->Touch();
  }
  EXPECT_EQ(ChanCore::IdInGlance(chan->glance.load()), id);
  EXPECT_EQ(chan->glance.load() & 7, ChanCore::kMaySend | ChanCore::kPolled);
  EXPECT_EQ(chan->glance.load() >> ChanCore::kGlanceCountShift, 0);
  internal::UnrefChan(chan);
}

// The same select with the same choice, on another channel at the address of the one before.
TEST(Select, LeavesANoteInANewChannelAtAnOldAddress) {
  std::vector<detector::PeerOutcome> outcomes;
  std::source_location place;
  std::thread([&] {  // of the default pool: looks are not taken in controlled worlds
    for (int round = 0; round < 3; ++round) {
      place = std::source_location::current();
      const Chan<int> fresh(0, place);
      Select(OnRecv(fresh), Default());
      const auto dump = detector::ReadDump(CaptureDump(), "here");
      ASSERT_TRUE(dump.ok());
      for (const detector::Channel& c : (*dump)->snapshots.back().channels.all()) {
        const detector::Site& site = (*dump)->SiteOf(c.site);
        if (site.line != place.line() || site.file != place.file_name()) continue;
        outcomes.push_back(c.last_receiver.outcome);
      }
    }
  })
      .join();
  const std::vector<detector::PeerOutcome> left(3, detector::PeerOutcome::kLeft);
  EXPECT_EQ(outcomes, left);
}

}  // namespace
}  // namespace stranded
