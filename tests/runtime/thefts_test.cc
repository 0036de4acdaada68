// Tasks that go to other workers and come back: see pool_thefts.cc.
#include <gtest/gtest.h>

#include <atomic>
#include <vector>

#include "stranded/gtest.h"
#include "stranded/internal/check_support.h"
#include "stranded/sync.h"
#include "stranded/task.h"

namespace stranded {
namespace {

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

class Thefts : public testing::TestWithParam<int> {};

TEST_P(Thefts, LoseNoTaskHoweverOftenTheyAreTakenBack) {
  if (internal::InControlledWorld()) GTEST_SKIP() << "about pools";
  constexpr int kRings = 6, kTasks = 20, kRounds = 4000;
  Pool pool({.workers = GetParam(), .name = "thieves"});
  std::atomic<long> sum{0};
  pool.Go([&] {
        for (int times = 0; times < 3; ++times) {
          WaitGroup all;
          for (int i = 0; i < kRings; ++i) Ring(all, kTasks, kRounds, sum);
          Computes(all, 20);
          all.Wait();
        }
      })
      .Join();
  EXPECT_EQ(sum, 3L * kRings * (kTasks * kRounds - 1));
  EXPECT_TRUE(pool.Shutdown(absl::InfiniteDuration()).clean);
}

INSTANTIATE_TEST_SUITE_P(Workers, Thefts, testing::Values(2, 3, 5));

}  // namespace
}  // namespace stranded
