// The explorer: what it finds, that it finds it again, and that it stays out of the way.
#include "stranded/explore.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <functional>
#include <memory>
#include <string>

#include "absl/cleanup/cleanup.h"
#include "stranded/explore_json.h"
#include "stranded/stranded.h"
#include "stranded/verify.h"
#include "tests/detector/explore_support.h"

namespace stranded {
namespace {

using testing::HasSubstr;

// Two locks in both orders.
void CrossedLocks() {
  struct Shared {
    Mutex a, b;
    WaitGroup both;
  };
  auto s = std::make_shared<Shared>();
  s->both.Add(2);
  Go([s] {
    s->a.Lock();
    s->b.Lock();
    s->b.Unlock();
    s->a.Unlock();
    s->both.Done();
  });
  Go([s] {
    s->b.Lock();
    s->a.Lock();
    s->a.Unlock();
    s->b.Unlock();
    s->both.Done();
  });
  s->both.Wait();
}

void NoRace() {
  Chan<int> c;
  Go([c] { c.Send(1); });
  c.Recv();
}

// Work of 2 ms against a timeout of 1 ms more than that: only a slow machine loses.
void TightTimeout() {
  Chan<int> done;
  Go([done] {
    this_task::SleepFor(absl::Milliseconds(2));
    done.Send(1);
  });
  Select(OnRecv(done, [] {}), OnRecv(After(absl::Milliseconds(3)), [] {}));
}

TEST(Explore, EveryPolicyFindsCrossedLocks) {
  for (const char* policy : {"random", "pct", "exhaustive"}) {
    const ExploreResult result = Explore(WithPolicy(policy, 2000), CrossedLocks);
    EXPECT_THAT(Rules(result), HasSubstr("lock-cycle")) << policy;
    EXPECT_EQ(result.bad()->report.findings()[0].verdict(), "predicted") << policy;
  }
}

TEST(Explore, WhatTheFirstScheduleShowsIsNoPredictionElsewhere) {
  const ExploreResult result = Explore(WithPolicy("random", 50), [] {
    Chan<int> left;
    const std::size_t tasks = 1 + this_task::Choose(3);
    for (std::size_t i = 0; i < tasks; ++i) Go([left] { left.Send(1); });
  });
  ASSERT_EQ(result.outcomes.size(), 3u);  // one, two and three tasks
  for (const ExploreOutcome& outcome : result.outcomes) {
    ASSERT_EQ(outcome.report.findings().size(), 1u);
    EXPECT_EQ(outcome.report.findings()[0].verdict(), "proven");
  }
}

TEST(Explore, TheDefaultScheduleRunsCrossedLocksThrough) {
  ExploreOptions options = WithPolicy("replay", 1);
  options.schedule = "-";
  EXPECT_TRUE(Explore(options, CrossedLocks).clean());
}

TEST(Explore, AScheduleIsReplayedTenTimesOutOfTen) {
  const ExploreResult found = Explore(WithPolicy("pct", 2000), CrossedLocks);
  ASSERT_FALSE(found.clean());
  EXPECT_LE(found.changes, 3u);
  EXPECT_FALSE(found.steps.empty());
  ExploreOptions options = WithPolicy("replay", 1);
  options.schedule = found.schedule;
  for (int i = 0; i < 10; ++i) {
    EXPECT_THAT(Rules(Explore(options, CrossedLocks)), HasSubstr("lock-cycle"));
  }
}

TEST(Explore, TheSameSeedGivesTheSameResult) {
  const ExploreResult a = Explore(WithPolicy("random", 300), CrossedLocks);
  const ExploreResult b = Explore(WithPolicy("random", 300), CrossedLocks);
  ASSERT_EQ(a.outcomes.size(), b.outcomes.size());
  for (std::size_t i = 0; i < a.outcomes.size(); ++i) {
    EXPECT_EQ(a.outcomes[i].count, b.outcomes[i].count);
    EXPECT_EQ(a.outcomes[i].schedule, b.outcomes[i].schedule);
  }
  EXPECT_EQ(a.schedule, b.schedule);
}

TEST(Explore, ExhaustiveSearchComesToItsEnd) {
  const ExploreResult result = Explore(WithPolicy("exhaustive", 100000), NoRace);
  EXPECT_TRUE(result.clean());
  EXPECT_LT(result.schedules, 100);
  EXPECT_THAT(result.coverage, HasSubstr("complete: all schedules"));
}

TEST(Explore, TimeMayPassWithinItsBudgetOnly) {
  EXPECT_FALSE(Explore(WithPolicy("pct", 500), TightTimeout).clean());
  ExploreOptions fast = WithPolicy("pct", 500);
  fast.delay_budget = absl::Microseconds(1);
  EXPECT_TRUE(Explore(fast, TightTimeout).clean());
}

TEST(Explore, AFindingThatNeedsADelaySaysHowLong) {
  const ExploreResult result = Explore(WithPolicy("pct", 500), TightTimeout);
  ASSERT_FALSE(result.clean());
  EXPECT_EQ(result.bad()->delay_ns, 1000000);
  EXPECT_THAT(result.ToText(), HasSubstr("time passes for 1ms while tasks are ready"));
}

TEST(Explore, RandomDrawsAndSelectCasesAreExplored) {
  const ExploreResult result = Explore(WithPolicy("exhaustive", 1000), [] {
    Chan<int> a(1), b(1);
    a.Send(1);
    b.Send(1);
    const bool first = Select(OnRecv(a, [] {}), OnRecv(b, [] {})) == 0;
    if (!first && this_task::Choose(5) == 3) Go([a = Chan<int>()] { a.Send(1); });
  });
  EXPECT_THAT(Rules(result), HasSubstr("abandoned-send"));
}

TEST(Explore, BodiesThatPollComeToAnEnd) {
  const auto polls = [] {
    auto lock = std::make_shared<Mutex>();
    Chan<int> stop;
    Go([=] {
      while (!stop.TryRecv().closed()) {
        if (lock->TryLock()) lock->Unlock();
        this_task::Yield();
      }
    });
    Go([=] {
      this_task::SleepFor(absl::Seconds(1));
      stop.Close();
    });
  };
  for (const char* policy : {"random", "pct", "round-robin", "exhaustive"}) {
    EXPECT_TRUE(Explore(WithPolicy(policy, 200), polls).clean()) << policy;
  }
}

TEST(Explore, ALeakBesideAPollerIsNotHidden) {
  const ExploreResult result = Explore(WithPolicy("pct", 200), [] {
    Chan<int> stop, lost;
    Go([=] {
      while (!stop.TryRecv().closed()) this_task::Yield();
    });
    Go([=] { lost.Send(1); });
    Go([=] { stop.Close(); });
  });
  EXPECT_THAT(Rules(result), HasSubstr("abandoned-send"));
}

TEST(Explore, AnEndlessBodyIsCutOff) {
  const ExploreResult result = Explore(WithPolicy("random", 2), [] {
    Mutex lock;
    for (;;) {
      lock.Lock();
      lock.Unlock();
    }
  });
  ASSERT_EQ(result.schedules, 2);
  EXPECT_TRUE(result.outcomes[0].cut);
}

// The cancel function is only lost, and the task only left, because main is not let go on.
TEST(Explore, WhatACutLeavesIsNoFinding) {
  const ExploreResult result = Explore(WithPolicy("random", 2), [] {
    auto [ctx, cancel] = WithCancel(Background());
    Go(ctx, [ctx = ctx] { ctx.Done().Recv(); });
    for (Mutex lock;;) {
      lock.Lock();
      lock.Unlock();
    }
    cancel();
  });
  EXPECT_TRUE(result.outcomes[0].cut);
  EXPECT_TRUE(result.clean()) << result.ToText();
}

// What main had on its stack is gone when they go on. Under AddressSanitizer it shows.
TEST(Explore, TasksThatWereAboutToUnlockWhenMainWasCutTouchNothing) {
  const ExploreResult result = Explore(WithPolicy("pct", 20), [] {
    Mutex lock;
    Semaphore units(2);
    Cond changed(lock);
    for (int i = 0; i < 3; ++i) {
      Go([&] {
        for (;;) {
          MutexLock held(lock);
          changed.Signal();
          std::ignore = units.Acquire(Background(), 1);
          units.Release(1);
        }
      });
    }
    Chan<int>().Recv();
  });
  for (const ExploreOutcome& outcome : result.outcomes) EXPECT_TRUE(outcome.cut);
}

// ... nor do those that had been woken already: what they refer to may be gone.
TEST(Explore, TasksThatWereWokenWhenMainWasCutGoOnNoMore) {
  bool alive = false;
  int late = 0;
  const ExploreResult result = Explore(WithPolicy("pct", 20), [&] {
    alive = true;
    const absl::Cleanup gone = [&alive] { alive = false; };
    const Chan<int> ball, other, stop;
    const auto again = [&alive, &late](const std::function<void()>& step) {
      Go([&alive, &late, step] {
        for (;;) {
          step();
          late += alive ? 0 : 1;
        }
      });
    };
    again([ball] { ball.Send(1); });
    again([ball] { ball.Recv(); });
    again([other, stop] { Select(OnSend(other, 1), OnRecv(stop)); });
    again([other, stop] { Select(OnRecv(other), OnRecv(stop)); });
    again([] { this_task::SleepFor(absl::Milliseconds(1)); });
    again([] { Go([] {}).Join(); });
    const auto lock = std::make_shared<Mutex>();
    for (int i = 0; i < 2; ++i) {
      Go([&alive, &late, lock] {
        for (;;) {
          const MutexLock held(*lock);
          late += alive ? 0 : 1;
        }
      });
    }
    Chan<int>().Recv();
  });
  for (const ExploreOutcome& outcome : result.outcomes) EXPECT_TRUE(outcome.cut);
  EXPECT_EQ(late, 0);
}

// A select that had been won, or passed over by others, leaves those of its channels alone that it
// waits on no more. One that was freed by then is the next to be made, and would be damaged.
TEST(Explore, SelectsThatWereWonWhenMainWasCutTouchNoChannelThatIsGone) {
  const ExploreResult result = Explore(WithPolicy("pct", 200), [] {
    Chan<int> a, b;
    for (int i = 0; i < 2; ++i) {
      Go([&] {
        for (;;) Select(OnSend(a, 1), OnSend(b, 1));
      });
    }
    Go([&] {
      for (;;) a.Recv();
    });
    Go([&] {
      for (;;) b.Recv();
    });
    Chan<int>().Recv();
  });
  for (const ExploreOutcome& outcome : result.outcomes) EXPECT_TRUE(outcome.cut);
  std::vector<Chan<int>> chans;
  for (int i = 0; i < 100; ++i) chans.emplace_back(1);
  for (int i = 0; i < 100; ++i) chans[i].Send(i);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(chans[i].Recv(), i);
}

// The number of tasks that are left differs from schedule to schedule; the failure does not.
TEST(Explore, TheSmallestScheduleOfAllThatFailAlikeIsShown) {
  const ExploreResult result = Explore(WithPolicy("pct", 100), [] {
    const Chan<int> values;
    const std::size_t tasks = 1 + this_task::Choose(5);
    for (std::size_t i = 0; i < tasks; ++i) Go([=] { values.Send(1); });
  });
  EXPECT_EQ(result.outcomes.size(), 5u);
  ASSERT_FALSE(result.clean());
  EXPECT_EQ(result.schedule, "-");
  EXPECT_TRUE(result.repeats);
}

TEST(Explore, ABodyThatKeepsStateIsFoundOut) {
  int calls = 0;
  const ExploreResult result = Explore(WithPolicy("pct", 20), [&calls] {
    if (++calls > 1) Go([c = Chan<int>()] { c.Send(1); });
  });
  ASSERT_FALSE(result.clean());
  EXPECT_FALSE(result.repeats);
  EXPECT_THAT(result.ToText(), HasSubstr("The body does not run alike twice"));
}

TEST(Explore, AnExceptionOfATaskIsAnOutcome) {
  const ExploreResult result = Explore(
      WithPolicy("random", 20), [] { Go([] { throw std::runtime_error("no such table"); }); });
  ASSERT_FALSE(result.clean());
  ASSERT_FALSE(result.bad()->exceptions.empty());
  EXPECT_THAT(result.bad()->exceptions[0], HasSubstr("no such table"));
}

TEST(Explore, StrandedTasksAreUnwound) {
  struct Counter {
    explicit Counter(int* alive) : alive(alive) { ++*alive; }
    Counter(const Counter&) = delete;
    ~Counter() { --*alive; }
    int* alive;
  };
  int alive = 0;
  const ExploreResult result = Explore(WithPolicy("random", 50), [&alive] {
    Chan<int> c;
    auto counter = std::make_shared<Counter>(&alive);
    Go([c, counter] { c.Send(1); });
    Go([c = Chan<int>::Nil(), counter] { c.Recv(); });
  });
  EXPECT_FALSE(result.clean());
  EXPECT_EQ(alive, 0);
}

TEST(Explore, LocksOfFramesThatAreGoneAreLeftAlone) {
  // The tasks refer to what is on the stack of a body that has returned.
  const ExploreResult result = Explore(WithPolicy("random", 200), [] {
    Mutex lock;
    WaitGroup group;
    Chan<int> never, locked;
    group.Add(1);
    Go([&lock, &group, never, locked]() ABSL_NO_THREAD_SAFETY_ANALYSIS {
      lock.Lock();
      struct Guards {
        Mutex& lock;
        WaitGroup& group;
        ~Guards() {
          lock.Unlock();
          group.Done();
        }
      } guards{lock, group};
      locked.Send(1);
      never.Recv();
    });
    locked.Recv();
  });
  EXPECT_EQ(result.schedules, 200);
}

TEST(Explore, MemoryDoesNotGrowWithSchedules) {
  const auto body = [] {
    Chan<std::string> c;
    for (int i = 0; i < 4; ++i) Go([c] { c.Send(std::string(10000, 'x')); });
  };
  Explore(WithPolicy("random", 200), body);
  const auto resident = [] {
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_maxrss;  // KiB
  };
  const long before = resident();
  Explore(WithPolicy("random", 3000), body);
  EXPECT_LT(resident() - before, 20000) << "KiB";
}

TEST(Explore, WrongSettingsAreErrors) {
  EXPECT_THAT(Explore(WithPolicy("best", 1), NoRace).ToText(), HasSubstr("policy accepts"));
  ExploreOptions replay = WithPolicy("replay", 1);
  replay.schedule = "0.1x";
  EXPECT_THAT(Explore(replay, NoRace).ToText(), HasSubstr("is not a schedule"));
  ExploreOptions patched = WithPolicy("pct", 1);
  patched.patch = "capacity@a.cc#1";
  EXPECT_THAT(Explore(patched, NoRace).ToText(), HasSubstr("is not KIND@FILE#LINE"));
}

TEST(Explore, JsonComesBack) {
  const ExploreResult result = Explore(WithPolicy("pct", 2000), CrossedLocks);
  const auto back = detector::ParseExploreJson(detector::ExploreJson(result));
  ASSERT_TRUE(back.ok()) << back.status();
  EXPECT_EQ(back->schedule, result.schedule);
  EXPECT_EQ(back->outcomes.size(), result.outcomes.size());
  EXPECT_EQ(back->report_text, result.bad()->report.ToText());
  EXPECT_THAT(detector::ExploreJson(*back), HasSubstr("tasks alive"));
  EXPECT_EQ(Rules(*back), Rules(result));
  EXPECT_FALSE(detector::ParseExploreJson("{}").ok());
  EXPECT_FALSE(
      detector::ParseExploreJson("{\"format\":\"stranded-exploration\",\"outcomes\":3}").ok());
}

// The last test, as the lines behind it would be of that file, too.
TEST(Explore, TheTextOfADeadEndNamesNoFolder) {
  std::string text;
  Explore(WithPolicy("pct", 1), [&] {
    try {
#line 3 "/nowhere/project/dead_end.cc"
      Chan<int>().Recv();
    } catch (const GlobalDeadlockError& error) {
      text = error.what();
      throw;
    }
  });
  EXPECT_THAT(text, HasSubstr(" at dead_end.cc:3 (made at dead_end.cc:3, "));
}

}  // namespace
}  // namespace stranded
