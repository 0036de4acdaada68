// What outlives an exploration, its world or a scope, and what others do with it meanwhile.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "absl/cleanup/cleanup.h"
#include "stranded/internal/check_support.h"
#include "stranded/stranded.h"
#include "tests/detector/explore_support.h"

namespace stranded {
namespace {

using testing::Contains;
using testing::Each;
using testing::HasSubstr;
using testing::Not;

void ComesToADeadEnd() { Chan<int>().Recv(); }

TEST(ExploreLifetimes, ADeadEndBehindAnExplorationIsNotItsOwn) {
  EXPECT_TRUE(Explore(WithPolicy("pct", 3), [] { Go([] {}).Join(); }).clean());
  internal::ControlledWorld* const world = internal::EnterControlledWorld("after it", 1);
  EXPECT_THROW(ComesToADeadEnd(), GlobalDeadlockError);
  EXPECT_EQ(internal::LeaveControlledWorld(world), 0u);
}

TEST(ExploreLifetimes, ADeadEndBehindANestedExplorationIsThatOfTheOuterOne) {
  const ExploreResult result = Explore(WithPolicy("pct", 1), [] {
    EXPECT_TRUE(Explore(WithPolicy("pct", 1), [] {}).clean());
    ComesToADeadEnd();
  });
  EXPECT_THAT(Rules(result), HasSubstr("global-deadlock"));
  // Neither of pct nor of a replay, as which it may be shown.
  EXPECT_THAT(result.ToText(), Not(HasSubstr("the same seed gives the same run")));
}

TEST(ExploreLifetimes, PatchesAreInForceAgainBehindANestedExploration) {
  ExploreOptions patched = WithPolicy("pct", 1);
  patched.patch = "capacity(3)@explore_lifetimes_test.cc#" + std::to_string(__LINE__ + 5);
  std::vector<std::size_t> room;
  const ExploreResult result = Explore(patched, [&room] {
    for (int i = 0; i < 2; ++i) {
      EXPECT_TRUE(Explore(WithPolicy("pct", 1), [] {}).clean());
      room.push_back(Chan<int>(1).capacity());
    }
  });
  EXPECT_TRUE(result.clean());
  EXPECT_THAT(room, Each(3));
  EXPECT_EQ(Chan<int>(1).capacity(), 1u);
}

TEST(ExploreLifetimes, TwoThreadsDoNotExploreAtOnce) {
  bool refused = false;
  const ExploreResult result = Explore(WithPolicy("pct", 1), [&refused] {
    std::thread([&refused] {
      try {
        Explore(WithPolicy("pct", 1), [] {});
      } catch (const MisuseError&) {
        refused = true;
      }
    }).join();
  });
  EXPECT_TRUE(refused);
  EXPECT_TRUE(result.clean());
}

TEST(ExploreLifetimes, AHandleMayOutliveTheWorldOfItsTask) {
  TaskHandle kept;
  const ExploreResult keeps = Explore(WithPolicy("pct", 2), [&kept] {
    kept = Go([] {});
    kept.Join();
  });
  EXPECT_TRUE(keeps.clean());
  // Tasks in pools are looked for, among all.
  const ExploreResult looks =
      Explore(WithPolicy("pct", 1), [] { Go([] { Chan<int>::Nil().Recv(); }); });
  EXPECT_THAT(Rules(looks), HasSubstr("nil-channel"));
}

TEST(ExploreLifetimes, AnExceptionInAHandleThatNobodyJoinsIsNoted) {
  const ExploreResult result = Explore(WithPolicy("pct", 1), [] {
    const TaskHandle throws = Go([] { throw std::runtime_error("nobody asks"); });
    this_task::SleepFor(absl::Seconds(1));
  });
  ASSERT_FALSE(result.clean());
  EXPECT_THAT(result.bad()->exceptions, Contains(HasSubstr("nobody asks")));
}

TEST(ExploreLifetimes, ScopesMayEndInTheOrderOfTheirBegin) {
  const std::uint64_t before = internal::CurrentScopeId();
  auto outer = std::make_unique<LeakScope>("outer");
  auto inner = std::make_unique<LeakScope>("inner");
  const std::uint64_t in_inner = internal::CurrentScopeId();
  outer.reset();
  EXPECT_EQ(internal::CurrentScopeId(), in_inner);
  inner.reset();
  EXPECT_EQ(internal::CurrentScopeId(), before);
  Go([] {}).Join();
}

TEST(ExploreLifetimes, ATaskOfAPoolExplores) {
  Pool pool({.workers = 1, .name = "explores"});
  std::string rules;
  pool.Go([&rules] {
        rules = Rules(Explore(WithPolicy("pct", 3), [] {
          const Chan<int> c;
          for (int i = 0; i < 2; ++i) Go([c] { c.Send(1); });
          c.Recv();
        }));
      })
      .Join();
  EXPECT_THAT(rules, HasSubstr("abandoned-send"));
}

TEST(ExploreLifetimes, PatchesChangeWhileAnotherThreadMakesChannels) {
  std::atomic<bool> over{false};
  std::thread makes([&over] {
    while (!over) {
      const Chan<int> c;
      c.TrySend(1);
    }
  });
  ExploreOptions options = WithPolicy("pct", 1);
  options.patch = "capacity(1)@nowhere.cc#1";
  for (int i = 2; i < 100; ++i) {  // they are read for longer
    options.patch += ",capacity(1)@nowhere.cc#" + std::to_string(i);
  }
  for (int i = 0; i < 300; ++i) EXPECT_TRUE(Explore(options, [] { const Chan<int> c; }).clean());
  over = true;
  makes.join();
}

// A thread of the program that does something with what bodies hand over, about when they end.
template <class T, class F>
class Meddler {
 public:
  explicit Meddler(F f) : f_(f), thread_([this] { Run(); }) {}
  ~Meddler() {
    over_ = true;
    thread_.join();
  }
  void Take(const T& thing) {
    const std::lock_guard lock(mutex_);
    thing_ = thing;
  }

 private:
  void Run() {
    for (unsigned delay = 0; !over_; delay = (delay + 37) % 2000) {
      std::optional<T> mine;
      {
        const std::lock_guard lock(mutex_);
        mine.swap(thing_);
      }
      if (!mine.has_value()) continue;
      for (std::atomic<unsigned> spent{0}; spent < delay; ++spent) continue;
      f_(*mine);
    }
  }
  const F f_;
  std::mutex mutex_;
  std::optional<T> thing_;
  std::atomic<bool> over_{false};
  std::thread thread_;
};

ExploreOptions ForHalfASecond() {
  ExploreOptions options = WithPolicy("random", 2000);
  options.minimize = false;
  options.time_limit = absl::Milliseconds(500);
  return options;
}

TEST(ExploreLifetimes, AThreadEndsContextsOfBodiesThatEnd) {
  const auto cancels = [](const CancelFunc& cancel) { cancel(); };
  Meddler<CancelFunc, decltype(cancels)> meddler(cancels);
  const ExploreResult result = Explore(ForHalfASecond(), [&meddler] {
    auto [ctx, cancel] = WithTimeout(Background(), absl::Hours(1));
    AfterFunc(ctx, [] {});
    meddler.Take(cancel);
  });
  EXPECT_GT(result.schedules, 1);
}

TEST(ExploreLifetimes, AThreadResetsTimersOfBodiesThatEnd) {
  const auto resets = [](Timer timer) {
    for (int i = 0; i < 60; ++i) {
      timer.Reset(absl::Hours(2));
      timer.Stop();
    }
  };
  Meddler<Timer, decltype(resets)> meddler(resets);
  const ExploreResult result =
      Explore(ForHalfASecond(), [&meddler] { meddler.Take(TimerFunc(absl::Hours(1), [] {})); });
  EXPECT_GT(result.schedules, 1);
}

TEST(ExploreLifetimes, APoolEndsAContextOfABody) {
  Pool pool({.workers = 1, .name = "ends contexts"});
  const ExploreResult result = Explore(ForHalfASecond(), [&pool] {
    auto [ctx, cancel] = WithCancel(Background());
    for (int i = 0; i < 8; ++i) AfterFunc(ctx, [] {});
    pool.Go([cancel = cancel] { cancel(); });
    for (int i = 0; i < 8; ++i) Go([] { this_task::Yield(); });
  });
  EXPECT_GT(result.schedules, 1);
}

// A wait in a destructor that may not throw keeps its task, and its world.
struct WaitsAtTheEnd {
  ~WaitsAtTheEnd() { Chan<int>::Nil().Recv(); }
};

TEST(ExploreLifetimes, FunctionsOfAWorldThatIsLeftRunInThePool) {
  for (const bool stays : {false, true}) {
    std::atomic<bool> called{false}, fired{false};
    CancelFunc cancel;
    std::optional<Timer> timer;
    Explore(WithPolicy("round-robin", 1), [&] {
      auto [ctx, cancel_it] = WithCancel(Background());
      cancel = cancel_it;
      AfterFunc(ctx, [&called] { called = true; });
      timer = TimerFunc(absl::Hours(1), [&fired] { fired = true; });
      if (stays) Go([] { WaitsAtTheEnd waits; });
    });
    called = fired = false;  // a minimizing run may have ended it
    cancel();
    timer->Reset(absl::Milliseconds(1));
    const absl::Time until = Now() + absl::Seconds(5);
    while (!(called && fired) && Now() < until) this_task::SleepFor(absl::Milliseconds(1));
    EXPECT_TRUE(called) << stays;
    EXPECT_TRUE(fired) << stays;
  }
}

TEST(ExploreLifetimes, WhatAReclaimedTaskHandsToAPoolMayWaitAtItsEnd) {
  Pool pool({.workers = 1, .name = "cleans up"});
  std::atomic<int> begun{0}, ended{0};
  struct Cleanup {
    std::atomic<int>* ended;
    ~Cleanup() {
      this_task::SleepFor(absl::Milliseconds(1));
      ++*ended;
    }
  };
  ExploreOptions options = WithPolicy("pct", 3);
  options.minimize = false;
  const ExploreResult result = Explore(options, [&] {
    Go([&] {
      const absl::Cleanup hands_over = [&] {
        ++begun;
        pool.Go([cleanup = std::make_unique<Cleanup>(&ended)] {});
      };
      Chan<int>::Nil().Recv();
    });
  });
  EXPECT_FALSE(result.clean());
  EXPECT_GE(begun, 3);
  const absl::Time until = Now() + absl::Seconds(5);
  while (ended < begun && Now() < until) this_task::SleepFor(absl::Milliseconds(1));
  EXPECT_EQ(ended, begun);
}

}  // namespace
}  // namespace stranded
