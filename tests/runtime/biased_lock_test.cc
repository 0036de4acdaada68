#include "runtime_hooks/scheduler/biased_lock.h"

#include <gtest/gtest.h>

#include <latch>
#include <thread>
#include <vector>

namespace stranded::internal {
namespace {

constexpr int kUntilBiased = 3000;  // more than enough

struct Counted {
  BiasedLock lock;
  long count = 0;  // guarded by lock; a race shows in the sum, and to ThreadSanitizer

  void Add(int times) ABSL_NO_THREAD_SAFETY_ANALYSIS {
    for (int i = 0; i < times; ++i) {
      lock.Lock();
      ++count;
      lock.Unlock();
    }
  }
};

TEST(BiasedLock, TheOwnerLosesNothingWhenAnotherThreadComes) {
  for (int round = 0; round < 50; ++round) {
    Counted c;
    c.Add(kUntilBiased);
    std::latch started(2);
    std::thread other([&] {
      started.arrive_and_wait();
      c.Add(3000);
    });
    started.arrive_and_wait();
    c.Add(3000);
    other.join();
    EXPECT_EQ(c.count, kUntilBiased + 6000);
  }
}

// A snapshot that looks at a channel again and again does not take it from those who use it.
TEST(BiasedLock, WhoLooksOnDoesNotBecomeTheOwner) ABSL_NO_THREAD_SAFETY_ANALYSIS {
  if (!has_membarrier) GTEST_SKIP() << "no bias is granted without membarrier";
  Counted c;
  const auto look = [&] {
    for (int i = 0; i < kUntilBiased; ++i) {
      c.lock.Lock();
      ++c.count;
      c.lock.UnlockUncounted();
    }
  };
  look();
  EXPECT_FALSE(c.lock.HasOwner());
  EXPECT_EQ(c.count, kUntilBiased);
  c.Add(kUntilBiased);
  EXPECT_TRUE(c.lock.HasOwner());
  look();  // the owner may
  EXPECT_TRUE(c.lock.HasOwner());
  EXPECT_EQ(c.count, 3 * kUntilBiased);
}

// What one thread made and another one works on for good: that one becomes the owner. A third one
// does not, whatever it does.
TEST(BiasedLock, MovesToASecondThreadAndNoFurther) {
  if (!has_membarrier) GTEST_SKIP() << "no bias is granted without membarrier";
  Counted c;
  c.Add(kUntilBiased);
  EXPECT_TRUE(c.lock.HasOwner());
  std::thread([&] {
    c.Add(1);
    EXPECT_FALSE(c.lock.HasOwner());
    c.Add(kUntilBiased);
    EXPECT_TRUE(c.lock.HasOwner());
    std::thread([&] {
      c.Add(2 * kUntilBiased);
      EXPECT_FALSE(c.lock.HasOwner());
    }).join();
    c.Add(kUntilBiased);
    EXPECT_TRUE(c.lock.HasOwner());
  }).join();
  c.Add(kUntilBiased);
  EXPECT_TRUE(c.lock.HasOwner());
  EXPECT_EQ(c.count, 6 * kUntilBiased + 1);
}

// Two owners in turn, and a third thread that always comes in between.
TEST(BiasedLock, TwoOwnersInTurnLoseNothing) {
  for (int round = 0; round < 20; ++round) {
    Counted c;
    std::latch started(3);
    const auto add = [&](int times, int turns) {
      started.arrive_and_wait();
      for (int i = 0; i < turns; ++i) c.Add(times);
    };
    std::thread owner([&] { add(kUntilBiased, 2); });
    std::thread third([&] { add(1, 200); });
    add(kUntilBiased, 2);
    owner.join();
    third.join();
    EXPECT_EQ(c.count, 4 * kUntilBiased + 200);
  }
}

// A bias that was revoked may come back.
TEST(BiasedLock, ComesBackToItsOwner) {
  for (int round = 0; round < 20; ++round) {
    Counted c;
    for (int turn = 0; turn < 6; ++turn) {
      c.Add(kUntilBiased);
      std::thread([&] { c.Add(kUntilBiased); }).join();
    }
    std::vector<std::thread> threads;
    for (int i = 0; i < 3; ++i) threads.emplace_back([&] { c.Add(2000); });
    c.Add(2000);
    for (std::thread& t : threads) t.join();
    EXPECT_EQ(c.count, 12 * kUntilBiased + 8000);
  }
}

TEST(BiasedLock, OutlivesTheThreadThatOwnedIt) {
  Counted c;
  std::thread([&] { c.Add(kUntilBiased); }).join();
  std::thread([&] { c.Add(kUntilBiased); }).join();
  c.Add(1);
  EXPECT_EQ(c.count, 2 * kUntilBiased + 1);
}

TEST(BiasedLock, TryLockGivesUpOnAnOwnerInside) ABSL_NO_THREAD_SAFETY_ANALYSIS {
  Counted c;
  c.Add(kUntilBiased);
  c.lock.Lock();
  EXPECT_FALSE(c.lock.TryLock()) << "as a signal handler on the same thread would";
  std::thread([&]() ABSL_NO_THREAD_SAFETY_ANALYSIS { EXPECT_FALSE(c.lock.TryLock()); }).join();
  std::latch waits(1);
  std::thread other([&] {
    waits.count_down();
    c.Add(1);
  });
  waits.wait();
  const long before = c.count;
  c.lock.Unlock();
  other.join();
  EXPECT_EQ(before, kUntilBiased);
  std::thread([&]() ABSL_NO_THREAD_SAFETY_ANALYSIS {
    EXPECT_TRUE(c.lock.TryLock());
    c.lock.Unlock();
  }).join();
  EXPECT_EQ(c.count, kUntilBiased + 1);
}

}  // namespace
}  // namespace stranded::internal
