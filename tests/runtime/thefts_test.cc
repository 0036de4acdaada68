// Tasks that go to other workers and come back: see pool_thefts.cc.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <vector>

#include "runtime_hooks/scheduler/sanitizers.h"
#include "runtime_hooks/scheduler/world.h"
#include "stranded/gtest.h"
#include "stranded/internal/check_support.h"
#include "stranded/sync.h"
#include "stranded/task.h"

namespace stranded {
namespace {

// Sanitizers make operations too slow for a theft to be judged by them.
#if defined(STRANDED_ASAN) || defined(STRANDED_TSAN)
constexpr bool kJudges = false;
#else
constexpr bool kJudges = true;
#endif

// A ring of tasks through which values go round: no faster on two processors than on one.
void Ring(WaitGroup& all, int tasks, int rounds, std::atomic<long>& sum) {
  std::vector<Chan<int>> links;
  for (int i = 0; i < tasks; ++i) links.emplace_back(i % 2 == 0 ? 0 : 2);
  for (int i = 0; i < tasks; ++i) {
    all.Go([in = links[static_cast<std::size_t>(i)],
            out = links[static_cast<std::size_t>((i + 1) % tasks)], i, rounds, &sum] {
      if (i == 0) out.Send(0);
      for (int n = 0; n < rounds; ++n) {
        const int value = in.Recv().value();
        const bool last = i == 0 && n == rounds - 1;
        if (!last) out.Send(value + 1);
        if (last) sum += value;
      }
    });
  }
}

// Computes for a while now and then, so that the others are stuck behind it.
void Computes(WaitGroup& all, int rounds) {
  all.Go([rounds] {
    volatile unsigned x = 1;
    for (int n = 0; n < rounds; ++n) {
      for (int i = 0; i < 100000; ++i) x = x * 1664525 + 1013904223;
      this_task::Yield();
    }
  });
}

using Clock = std::chrono::steady_clock;
constexpr auto kFarTooLong = std::chrono::seconds(30);

// How long the threads of this process have been ready without a processor, by the kernel's
// account.
std::chrono::nanoseconds PutOff() {
  long long sum = 0;
  for (const auto& thread : std::filesystem::directory_iterator("/proc/self/task")) {
    long long ran = 0, waited = 0;
    if (std::ifstream(thread.path() / "schedstat") >> ran >> waited) sum += waited;
  }
  return std::chrono::nanoseconds(sum);
}

class Thefts : public testing::TestWithParam<int> {
 protected:
  void SetUp() override {
    if (internal::InControlledWorld()) GTEST_SKIP() << "about pools";
  }
};

TEST_P(Thefts, LoseNoTaskHoweverOftenTheyAreTakenBack) {
  constexpr int kRings = 6, kTasks = 20, kRounds = kJudges ? 4000 : 100;
  Pool pool({.workers = GetParam(), .name = "thieves"});
  std::atomic<long> sum{0};
  long times = 0;
  std::uint64_t given_back = 0;
  std::chrono::nanoseconds put_off{}, passed{};
  pool.Go([&] {
        const auto begin = Clock::now();
        const auto before = PutOff();
        do {
          WaitGroup all;
          for (int i = 0; i < kRings; ++i) Ring(all, kTasks, kRounds, sum);
          Computes(all, 20);
          all.Wait();
          given_back = internal::CurrentWorld()->Facts().given_back;
        } while (++times < 3 || (kJudges && given_back == 0 && Clock::now() - begin < kFarTooLong));
        put_off = PutOff() - before;
        passed = Clock::now() - begin;
      })
      .Join();
  EXPECT_EQ(sum, times * kRings * (kTasks * kRounds - 1));
  EXPECT_TRUE(pool.Shutdown(absl::InfiniteDuration()).clean);
  // What workers get done says little then, and no theft is judged by it.
  if (kJudges && given_back == 0 && put_off > passed / 4) {
    GTEST_SKIP() << "others had the processors";
  }
  if (kJudges) {
    EXPECT_GT(given_back, 0U) << "the test is about these";
  }
}

// Tasks that never come to an end by themselves, and count their turns.
struct Busy {
  std::atomic<bool> over{false};
  std::vector<std::atomic<long>> turns = std::vector<std::atomic<long>>(40);

  // Two and two talk to each other.
  void GoInPairs() {
    for (auto& count : turns) {
      const Chan<int> there, back;
      Go([&, there, back] {
        while (!over) {
          there.Send(1);
          back.Recv();
          ++count;
        }
        there.Close();
      });
      Go([there, back] {
        for (const int i : there) back.Send(i);
      });
    }
  }
  void GoAlone() {
    for (auto& count : turns) {
      Go([&] {
        for (; !over; ++count) this_task::Yield();
      });
    }
  }
  // Waits until all have had some turns from now on; its own task does not give way meanwhile.
  bool AllMoveOn() {
    std::vector<long> before(turns.begin(), turns.end());
    const auto begin = Clock::now();
    for (std::size_t i = 0; i < turns.size();) {
      if (turns[i] > before[i] + 10) ++i;
      if (Clock::now() - begin > kFarTooLong) return false;
    }
    return true;
  }
};

// Longer than a trial is good for.
void PassTime() {
  const auto begin = Clock::now();
  while (Clock::now() - begin < std::chrono::milliseconds(120)) {
  }
}

TEST_P(Thefts, GiveNothingBackBehindATaskThatRunsOn) {
  Pool pool({.workers = GetParam(), .name = "thieves"});
  Busy busy;
  pool.Go([&] {
        busy.GoInPairs();
        for (int times = 0; times < 4; ++times) {
          PassTime();
          EXPECT_TRUE(busy.AllMoveOn()) << "some stand behind this one";
        }
        busy.over = true;
      })
      .Join();
  EXPECT_TRUE(pool.Shutdown(absl::InfiniteDuration()).clean);
}

TEST_P(Thefts, GiveNothingBackToAWorkerInASystemCall) {
  Pool pool({.workers = GetParam(), .name = "thieves"});
  Busy busy;
  pool.Go([&] {
        busy.GoInPairs();
        PassTime();
        const BlockingRegion region;
        for (int times = 0; times < 4; ++times) {
          PassTime();
          EXPECT_TRUE(busy.AllMoveOn()) << "some stand behind this one";
        }
        busy.over = true;
      })
      .Join();
  EXPECT_TRUE(pool.Shutdown(absl::InfiniteDuration()).clean);
}

// All workers have something to do that never ends.
TEST_P(Thefts, FetchWhatIsStuckWhenNobodyIsIdle) {
  Pool pool({.workers = GetParam(), .name = "thieves"});
  Busy busy;
  pool.Go([&] {
        busy.GoAlone();
        EXPECT_TRUE(busy.AllMoveOn()) << "some stand behind this one";
        busy.over = true;
      })
      .Join();
  EXPECT_TRUE(pool.Shutdown(absl::InfiniteDuration()).clean);
}

INSTANTIATE_TEST_SUITE_P(Workers, Thefts, testing::Values(2, 3, 5));

}  // namespace
}  // namespace stranded
