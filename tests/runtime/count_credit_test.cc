#include "runtime_hooks/sync/count_credit.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <thread>
#include <vector>

#include "detector/model/snapshot.h"
#include "runtime_hooks/scheduler/barriers.h"
#include "runtime_hooks/scheduler/task.h"
#include "stranded/dump.h"
#include "stranded/dump_reader.h"
#include "stranded/task.h"
#include "stranded/wait_group.h"
#include "tests/runtime/sync_test_support.h"

namespace stranded::internal {
namespace {

using ::testing::AnyOf;

// As a task of an OS thread: of the default pool, whatever world the test runs in.
template <class F>
void OnThread(F f) {
  std::thread(f).join();
}

struct WithCredit {
  SyncBase base{SyncKind::kWaitGroup, std::source_location::current()};

  explicit WithCredit(std::int64_t count) {
    base.counter = count;
    base.credit.store(CreditWanted());
    auto made = std::make_unique<CountCredit>();
    AdoptCredit(&base, made);
    GiveCredit(&base, CurrentTask());
  }
  ~WithCredit() { DropCredit(&base); }
  // How often that worked.
  int TakeDown(int times) {
    int done = 0;
    for (int i = 0; i < times; ++i) {
      done += base.credit.load()->TakeDown(CurrentTask(), std::source_location::current()) ? 1 : 0;
    }
    return done;
  }
};

TEST(CountCredit, WhatIsGivenIsPartOfTheCount) {
  OnThread([] {
    WithCredit c(1000);
    EXPECT_TRUE(c.base.credit.load()->given);
    EXPECT_GE(c.base.counter, 1);
    EXPECT_LT(c.base.counter, 1000);
    EXPECT_EQ(CountOf(c.base), 1000);
    std::uint64_t first = 0, second = 0;
    int done = 0;
    OnThread([&] {
      first = CurrentTask()->id;
      done += c.TakeDown(40);
    });
    OnThread([&] {
      second = CurrentTask()->id;
      done += c.TakeDown(40);
    });
    EXPECT_EQ(done, 80);
    EXPECT_EQ(CountOf(c.base), 920);
    EXPECT_THAT(LastDoneOf(c.base).task, AnyOf(first, second));
    TakeCreditBack(&c.base);
    EXPECT_EQ(c.base.counter, 920);
    EXPECT_EQ(CountOf(c.base), 920);
    EXPECT_THAT(LastDoneOf(c.base).task, AnyOf(first, second));
    EXPECT_EQ(c.TakeDown(1), 0) << "nothing is given any more";
  });
}

TEST(CountCredit, TheCountComesToZeroUnderTheLockOnly) {
  OnThread([] {
    WithCredit c(1000);
    std::vector<std::thread> threads;
    std::atomic<int> done{0};
    for (int i = 0; i < 12; ++i) {
      threads.emplace_back([&] { done += c.TakeDown(1000); });
    }
    for (std::thread& t : threads) t.join();
    EXPECT_GE(c.base.counter, 1);
    EXPECT_EQ(CountOf(c.base), 1000 - done);
  });
}

// One that was about to count down when all was taken back has noted itself, and counted elsewhere.
TEST(CountCredit, ADoneThatWasOvertakenIsNotTheLast) {
  OnThread([] {
    WithCredit c(1000);
    CountCredit& credit = *c.base.credit.load();
    TakeCreditBack(&c.base);
    credit.shares[1].last_done = SyncPeer{111, {}};
    credit.shares[1].done_ns.store(1);
    c.base.last_done = SyncPeer{333, {}};
    GiveCredit(&c.base, CurrentTask());
    EXPECT_TRUE(credit.given);
    EXPECT_EQ(LastDoneOf(c.base).task, 333U);
    TakeCreditBack(&c.base);
    EXPECT_EQ(LastDoneOf(c.base).task, 333U);
  });
}

TEST(CountCredit, NotInAControlledWorld) {
  if (CurrentTask()->plain) GTEST_SKIP() << "about controlled worlds";
  WithCredit c(1000);
  EXPECT_FALSE(c.base.credit.load()->given);
  EXPECT_EQ(c.base.counter, 1000);
}

// What one thread had to itself and another one counts down, too, is given away in shares.
TEST(CountCredit, IsGivenWhereThreadsTakeTurns) {
  if (!has_membarrier) GTEST_SKIP() << "no lock has an owner without membarrier";
  constexpr int kUntilOwned = 3000, kCount = 10000;
  WaitGroup all;
  all.Add(kCount);
  TaskHandle waiter = Go([&all] { all.Wait(); });
  const SyncBase& base = *AwaitParked(waiter.Id(), WaitKind::kWaitGroupWait).sync;
  int left = kCount;
  OnThread([&] {
    for (int i = 0; i < kUntilOwned; ++i) all.Done();
    left -= kUntilOwned;
    EXPECT_EQ(base.credit.load(), nullptr);
    OnThread([&] {  // revokes; makes the shares; takes one of its own
      for (int i = 0; i < 3; ++i) all.Done();
      left -= 3;
      EXPECT_NE(base.credit.load(), CreditWanted());
      EXPECT_NE(base.credit.load(), nullptr);
      EXPECT_LT(base.counter, left / 2);
      EXPECT_EQ(CountOf(base), left);
      EXPECT_EQ(LastDoneOf(base).task, CurrentTask()->id);
    });
  });
  all.Add(-left);
  waiter.Join();
}

// While an owner counts, another thread may be about to take the lock from it: what the owner asks
// about its lock meanwhile is no race.
TEST(CountCredit, AnOwnerMayAskWhileItsLockIsRevoked) {
  for (int round = 0; round < 30; ++round) {
    OnThread([] {
      WaitGroup all;
      all.Add(2 * static_cast<int>(CountCredit::kWorthIt));
      std::atomic<long> turns{0};
      std::atomic<bool> stop{false};
      std::thread owner([&] {
        for (; !stop; ++turns) {
          all.Add(1);
          all.Done();
        }
      });
      while (turns < 1500) std::this_thread::yield();
      all.Add(1);
      all.Done();
      stop = true;
      owner.join();
    });
  }
}

// The wait group goes as soon as Wait has returned, and all that came before a Done is seen then.
TEST(CountCredit, WaitSeesAllThatWasDone) {
  constexpr int kThreads = 4, kRounds = 40;
  constexpr std::size_t kEach = 500;
  for (int round = 0; round < kRounds; ++round) {
    OnThread([] {
      std::vector<std::size_t> values(kThreads * kEach);
      std::vector<std::thread> threads;
      {
        auto all = std::make_unique<WaitGroup>();
        all->Add(static_cast<int>(values.size()));
        for (std::size_t t = 0; t < kThreads; ++t) {
          threads.emplace_back([&values, all = all.get(), t] {
            for (std::size_t i = 0; i < kEach; ++i) {
              values[t * kEach + i] = 1;
              all->Done();
            }
          });
        }
        all->Wait();
      }
      std::size_t sum = 0;
      for (const std::size_t v : values) sum += v;
      EXPECT_EQ(sum, kThreads * kEach);
      for (std::thread& t : threads) t.join();
    });
  }
}

// While several threads count down, what a report tells of the count is true.
TEST(CountCredit, ASnapshotTellsTheWholeCount) {
  OnThread([] {
    constexpr int kThreads = 4, kEach = 400, kLeft = 77;
    WaitGroup all;
    all.Add(kThreads * kEach + kLeft);
    TaskHandle waiter = Go([&all] { all.Wait(); });
    std::vector<std::thread> threads;
    for (int t = 0; t < kThreads; ++t) {
      threads.emplace_back([&all] {
        for (int i = 0; i < kEach; ++i) all.Done();
      });
    }
    for (std::thread& t : threads) t.join();
    std::int64_t counter = -1;
    for (int i = 0; i < 1000 && counter < 0; ++i) {  // until it waits
      const auto dump = detector::ReadDump(CaptureDump(), "here");
      ASSERT_TRUE(dump.ok());
      for (const detector::Sync& s : (*dump)->snapshots.back().syncs.all()) {
        if (s.kind == detector::SyncKind::kWaitGroup && s.counter > 0) counter = s.counter;
      }
    }
    EXPECT_EQ(counter, kLeft);
    all.Add(-kLeft);
    waiter.Join();
  });
}

}  // namespace
}  // namespace stranded::internal
