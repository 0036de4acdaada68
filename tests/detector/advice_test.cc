// What real programs are told to do, on many schedules, and that their fixed twins are told
// nothing.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/cleanup/cleanup.h"
#include "stranded/stranded.h"
#include "tests/detector/advice_support.h"
#include "tests/detector/dump_builder.h"

namespace stranded {
namespace {

using absl::Milliseconds;
using testing::AllOf;
using testing::Each;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

Receiver<int> Numbers(const Context& ctx, bool listens) {
  Chan<int> out;
  Go(ctx, [=] {
    const auto end = absl::MakeCleanup([&] { out.Close(); });
    for (int i = 0; i < 10; ++i) {
      if (!listens) {
        out.Send(i);
      } else if (!out.Send(ctx, i).ok()) {
        return;
      }
    }
  });
  return out;
}

Receiver<int> Squares(const Context& ctx, const Receiver<int>& in, bool listens) {
  Chan<int> out;
  Go(ctx, [=] {
    const auto end = absl::MakeCleanup([&] { out.Close(); });
    for (const int v : in) {
      if (!listens) {
        out.Send(v * v);
      } else if (!out.Send(ctx, v * v).ok()) {
        return;
      }
    }
  });
  return out;
}

void TakeTwo(bool listens) {
  auto [ctx, cancel] = listens ? WithCancel(Background()) : std::pair(Background(), CancelFunc());
  const Receiver<int> out = Squares(ctx, Numbers(ctx, listens), listens);
  out.Recv();
  out.Recv();
  if (listens) cancel();
}

TEST(Advice, APipelineIsNeverOfferedABuffer) {
  const auto texts = Texts(Findings([] { TakeTwo(false); }));
  EXPECT_THAT(texts, Not(IsEmpty()));
  EXPECT_THAT(texts, Each(AllOf(HasSubstr("sends more than once on this channel"),
                                Not(HasSubstr("Give the channel room")))));
  EXPECT_THAT(Findings([] { TakeTwo(true); }), IsEmpty());
}

void Loop(int senders, bool closes) {
  const Chan<int> c;
  auto left = std::make_shared<WaitGroup>();
  for (int i = 0; i < senders; ++i) {
    left->Add(1);
    Go(Background(), [=] {
      for (int v = 0; v < 4; ++v) c.Send(v);
      left->Done();
    });
  }
  Go(Background(), [=] {
    for (const int v : c) static_cast<void>(v);
  });
  left->Wait();
  if (closes) c.Close();
}

TEST(Advice, SeveralSendersAreToldOfOnlyWhereThereAreSome) {
  const auto one = Texts(Findings([] { Loop(1, false); }));
  EXPECT_THAT(one, Not(IsEmpty()));
  EXPECT_THAT(one, Each(AllOf(HasSubstr("Call Close()"), Not(HasSubstr("Several tasks send")))));
  const auto two = Texts(Findings([] { Loop(2, false); }));
  EXPECT_THAT(two, Not(IsEmpty()));
  EXPECT_THAT(two, Each(HasSubstr("Several tasks send here")));
  EXPECT_THAT(Findings([] { Loop(2, true); }), IsEmpty());
}

// One sender that always looks for something else, too.
TEST(Advice, ASelectThatLeavesBetweenItsSendsIsOneSender) {
  const auto texts = Texts(Findings([] {
    const Chan<int> values, other;
    Go(Background(), [=] {
      for (int sent = 0; sent < 4;) {
        Select(OnSend(values, 1, [&] { ++sent; }), OnRecv(other));
      }
    });
    Go(Background(), [=] {
      for (int i = 0; i < 4; ++i) other.Send(i);
    });
    Go(Background(), [=] {
      for (const int v : values) static_cast<void>(v);
    });
  }));
  EXPECT_THAT(texts, Not(IsEmpty()));
  EXPECT_THAT(texts, Each(Not(HasSubstr("Several tasks send"))));
}

struct Guarded {
  RWMutex lock;
  Chan<int> values;
};

const std::uint32_t kReads = Here() + 2;
void Publish(Guarded& g) {
  const ReaderLock hold(g.lock);
  for (int i = 0; i < 2; ++i) g.values.Send(i);
}

void Unsubscribe(bool holds) {
  auto g = std::make_shared<Guarded>();
  Go({.name = "subscriber"}, Background(), [g] {
    g->values.Recv();
    const WriterLock hold(g->lock);
  });
  Go({.name = "publisher"}, Background(), [g, holds] { holds ? Publish(*g) : g->values.Send(1); });
}

TEST(Advice, ALockAcrossASendIsToldOfTheSender) {
  const auto findings = Findings([] { Unsubscribe(true); });
  ASSERT_THAT(findings, Not(IsEmpty()));
  for (const Finding& f : findings) {
    EXPECT_EQ(f.rule(), "lock-chan-cycle");
    EXPECT_EQ(f.data().task_name, "publisher");
    EXPECT_EQ(f.data().wait, "send");
    EXPECT_EQ(f.wait_site().line, kReads + 1);
    ASSERT_FALSE(f.fixes().empty());
    EXPECT_EQ(f.fixes()[0].site.line, kReads);
    EXPECT_THAT(detector::AllText(f),
                AllOf(HasSubstr("Release the lock taken at"), Not(HasSubstr("unknown place")),
                      HasSubstr("The last to receive was task"),
                      Not(HasSubstr("before it can come to the channel"))));
  }
  EXPECT_THAT(Findings([] { Unsubscribe(false); }), IsEmpty());
}

void Tick(bool listens) {
  auto [ctx, cancel] = WithCancel(Background());
  const Ticker ticker(Milliseconds(2));
  const Chan<Unit> tokens(3);
  Go(ctx, [=, ctx = ctx] {
    if (!listens) {
      for (const absl::Time at : ticker.C()) {
        static_cast<void>(at);
        tokens.Send({});
      }
      return;
    }
    for (bool over = false; !over;) {
      Select(OnRecv(ticker.C(), [&] { tokens.Send({}); }), OnDone(ctx, [&] { over = true; }));
    }
  });
  for (int i = 0; i < 5; ++i) tokens.Recv();
  ticker.Stop();
  if (listens) {
    cancel();
  } else {
    static auto& kept = *new std::vector<CancelFunc>;  // nobody calls it
    kept.push_back(cancel);
  }
}

TEST(Advice, AStoppedTickerIsNotToBeClosed) {
  const auto findings = Findings([] { Tick(false); });
  ASSERT_THAT(findings, Not(IsEmpty()));
  for (const Finding& f : findings) {
    EXPECT_FALSE(detector::HasFix(f, FixKind::kCloseChannel));
    EXPECT_TRUE(detector::HasFix(f, FixKind::kAddContextCase));
    EXPECT_THAT(detector::AllText(f),
                AllOf(HasSubstr("Stop() was called"), HasSubstr("before the timer is stopped"),
                      Not(HasSubstr("Several tasks send"))));
  }
  EXPECT_THAT(Findings([] { Tick(true); }), IsEmpty());
}

TEST(Advice, ATimerThatTickedIsNotSaidToBeStopped) {
  const auto texts = Texts(Findings([] {
    Go([] {
      const Timer timer(Milliseconds(1));
      timer.C().Recv();
      timer.C().Recv();
    });
  }));
  EXPECT_THAT(texts, Not(IsEmpty()));
  EXPECT_THAT(texts, Each(AllOf(HasSubstr("does not tick again"), Not(HasSubstr("Stop()")))));
}

void UsePool(bool returns_all) {
  const Chan<int> idle(2);
  idle.Send(1);
  idle.Send(2);
  for (int i = 0; i < 6; ++i) {
    Go(Background(), [=] {
      const std::optional<int> taken = idle.Recv();
      this_task::SleepFor(Milliseconds(1 + i));
      if (i % 3 == 1 && !returns_all) return;
      idle.Send(*taken);
    });
  }
}

TEST(Advice, APoolIsToldToGiveBackAndNotToClose) {
  int gives_back = 0;
  for (const Finding& f : Findings([] { UsePool(false); })) {
    const bool by_others = detector::HasFix(f, FixKind::kUnlock);
    gives_back += by_others;
    EXPECT_NE(by_others, detector::HasFix(f, FixKind::kCloseChannel));
    if (by_others) {
      EXPECT_THAT(f.fixes()[0].summary, HasSubstr("is to be given back"));
    }
    EXPECT_THAT(detector::AllText(f), Not(HasSubstr("ends its loop")));
  }
  EXPECT_GT(gives_back, 0);
  EXPECT_THAT(Findings([] { UsePool(true); }), IsEmpty());
}

// Workers that put some of their work back: all of them wait, and none has kept anything.
void WorkQueue(bool closes) {
  const Chan<int> queue(10);
  for (int i = 0; i < 4; ++i) queue.Send(i);
  for (int i = 0; i < 3; ++i) {
    Go(Background(), [=] {
      while (const auto job = queue.Recv()) {
        if (*job == 2) queue.Send(7);
      }
    });
  }
  this_task::SleepFor(Milliseconds(3));
  if (closes) queue.Close();
}

TEST(Advice, AWorkQueueIsToBeClosed) {
  const auto findings = Findings([] { WorkQueue(false); }, absl::ZeroDuration());
  ASSERT_THAT(findings, Not(IsEmpty()));
  for (const Finding& f : findings) {
    EXPECT_THAT(f.fixes().front().summary, HasSubstr("Close")) << detector::AllText(f);
    EXPECT_FALSE(detector::HasFix(f, FixKind::kUnlock));
  }
  EXPECT_THAT(Findings([] { WorkQueue(true); }, absl::ZeroDuration()), IsEmpty());
}

void Limit(bool returns_all) {
  const Chan<Unit> places(2);
  for (int i = 0; i < 6; ++i) {
    places.Send({});
    Go(Background(), [=] {
      this_task::SleepFor(Milliseconds(1));
      if (i % 2 == 0 && !returns_all) return;
      places.Recv();
    });
  }
}

TEST(Advice, ASemaphoreIsToldToGiveBackAndGetsNoBuffer) {
  const auto findings = Findings([] { Go([] { Limit(false); }); });
  ASSERT_THAT(findings, Not(IsEmpty()));
  for (const Finding& f : findings) {
    EXPECT_FALSE(detector::HasFix(f, FixKind::kRaiseCapacity));
    ASSERT_FALSE(f.fixes().empty());
    EXPECT_THAT(f.fixes()[0].summary, HasSubstr("limits how many tasks go on at once"));
  }
  EXPECT_THAT(Findings([] { Go([] { Limit(true); }); }), IsEmpty());
}

// None of those that got in ever came to give back.
TEST(Advice, ASemaphoreThatNobodyGaveBackIsOneToo) {
  const auto findings = [](auto value) {
    return Findings([value] {
      const Chan<decltype(value)> places(2);
      for (int i = 0; i < 5; ++i) Go(Background(), [=] { places.Send(value); });
    });
  };
  for (const Finding& f : findings(Unit())) {
    EXPECT_FALSE(detector::HasFix(f, FixKind::kRaiseCapacity));
    ASSERT_FALSE(f.fixes().empty());
    EXPECT_THAT(f.fixes()[0].summary, HasSubstr("take a value out on every way out of tasks"));
  }
  // Values with data are more likely results, but that is to be looked at.
  ASSERT_THAT(findings(true), Not(IsEmpty()));
  for (const Finding& f : findings(true)) {
    EXPECT_THAT(detector::AllText(f), HasSubstr("Room for 2 is written there"));
  }
}

// Who has it is who put a value in: room for more would let in more than one.
void Lease(bool gives_back) {
  const Chan<int> lease(1);
  for (int i = 0; i < 4; ++i) {
    Go(Background(), [=] {
      lease.Send(i);
      if (i != 2 || gives_back) lease.Recv();
    });
  }
}

TEST(Advice, ALeaseGetsNoRoom) {
  int told = 0;
  for (const Finding& f : Findings([] { Lease(false); })) {
    const std::string text = detector::AllText(f);
    if (text.find("sending") == std::string::npos && f.rule().find("send") == std::string::npos)
      continue;
    // Where nobody has given it back yet, nothing tells it from a queue.
    if (text.find("The last to receive") == std::string::npos) continue;
    ++told;
    EXPECT_FALSE(detector::HasFix(f, FixKind::kRaiseCapacity)) << text;
    EXPECT_THAT(text, HasSubstr("take a value out on every way out"));
  }
  EXPECT_GT(told, 0);
  EXPECT_THAT(Findings([] { Lease(true); }), IsEmpty());
}

// Each takes a value out and puts one in: what they work on, not who may.
TEST(Advice, AQueueItsWorkersFillIsNoLease) {
  int told = 0;
  for (const Finding& f : Findings([] {
         const Chan<int> work(1);
         for (int i = 0; i < 2; ++i) Go(Background(), [=] { work.Send(i); });
         for (int i = 0; i < 3; ++i) {
           Go(Background(), [=] {
             const int one = *work.Recv();
             work.Send(one + 1);
           });
         }
       })) {
    const std::string text = detector::AllText(f);
    if (text.find("The last to receive") == std::string::npos) continue;
    ++told;
    EXPECT_THAT(text, Not(HasSubstr("take a value out on every way out")));
  }
  EXPECT_GT(told, 0);
}

// The lock goes with the function that made it; who has it for reading is still known.
void ReadTwice(bool again) {
  RWMutex mu;
  Chan<Unit> in, go;
  WaitGroup done;
  for (int i = 0; i < 2; ++i) {
    done.Go([&mu, in, go, again]() ABSL_NO_THREAD_SAFETY_ANALYSIS {
      mu.RLock();
      in.Send({});
      go.Recv();
      if (again) mu.RLock();
      if (again) mu.RUnlock();
      mu.RUnlock();
    });
  }
  in.Recv();
  in.Recv();
  done.Go([&mu] {
    mu.Lock();
    mu.Unlock();
  });
  this_task::SleepFor(Milliseconds(1));
  go.Close();
  this_task::SleepFor(Milliseconds(1));
  if (!again) done.Wait();
}

TEST(Advice, TwoReadersWhoseLockIsGoneAreNamed) {
  // Time moves when all are blocked: nobody comes to a lock that is gone.
  const auto texts = Texts(Findings([] { ReadTwice(true); }, absl::ZeroDuration()));
  EXPECT_GE(texts.size(), static_cast<std::size_t>(kSeeds));
  for (const std::string& text : texts) EXPECT_THAT(text, HasSubstr("Do not read-lock again at"));
  EXPECT_THAT(Findings([] { ReadTwice(false); }), IsEmpty());
}

// What has yet to run may end the wait; one that was stopped will not.
TEST(Advice, AnAfterFuncThatHasYetToRunIsNamed) {
  const auto found = [](bool stops) {
    return Findings([stops] {
      static CancelFunc kept;
      auto [ctx, cancel] = WithTimeout(Background(), absl::Hours(1));
      kept = cancel;
      const Chan<int> answer;
      const StopFunc stop = AfterFunc(ctx, [answer] { answer.Send(1); });
      if (stops) stop();
      Go([answer] { answer.Recv(); });
    });
  };
  for (const bool stops : {false, true}) {
    const std::vector<Finding> all = found(stops);
    ASSERT_FALSE(all.empty());
    for (const Finding& f : all) {
      const std::string text = detector::AllText(f);
      EXPECT_EQ(text.find("no task is left") != std::string::npos, !stops) << text;
      EXPECT_EQ(text.find("has yet to run") != std::string::npos, !stops) << text;
    }
  }
}

}  // namespace
}  // namespace stranded
