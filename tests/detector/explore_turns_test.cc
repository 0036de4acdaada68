// Explorations that take turns, as the tests of one binary do.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "detector/explore/exploration.h"
#include "stranded/explore.h"
#include "stranded/stranded.h"

namespace stranded {
namespace {

using testing::IsEmpty;

ExploreOptions Schedules(int count) {
  ExploreOptions options;
  options.schedules = count;
  return options;
}

// Each runs one schedule, and then the next its own.
std::vector<ExploreResult> InTurns(const std::vector<ExploreOptions>& options,
                                   const std::vector<std::function<void()>>& bodies) {
  std::vector<std::unique_ptr<detector::Exploration>> all(options.size());
  std::size_t over = 0;
  for (std::size_t i = 0; over < all.size(); i = (i + 1) % all.size()) {
    if (all[i] == nullptr) all[i] = std::make_unique<detector::Exploration>(options[i]);
    if (all[i]->over() || !all[i]->Begin()) continue;
    bodies[i]();
    all[i]->End(nullptr, [] { return std::string(); });
    over += all[i]->over();
  }
  std::vector<ExploreResult> results;
  for (const auto& exploration : all) results.push_back(exploration->TakeResult());
  return results;
}

TEST(ExploreInTurns, TheTimeOfOthersDoesNotCount) {
  ExploreOptions slow = Schedules(20), quick = Schedules(20);
  quick.time_limit = absl::Milliseconds(500);
  using Clock = std::chrono::steady_clock;
  const auto work = [] {
    for (const auto until = Clock::now() + std::chrono::milliseconds(30); Clock::now() < until;) {
    }
  };
  const auto results = InTurns({slow, quick}, {work, [] {}});
  EXPECT_EQ(results[1].schedules, 20);
  EXPECT_FALSE(results[1].out_of_time);
}

TEST(ExploreInTurns, WhatAPatchMetIsNotForgotten) {
  ExploreOptions options = Schedules(2);
  options.patch = "capacity(3)@explore_turns_test.cc#" + std::to_string(__LINE__ + 3);
  int runs = 0;
  const auto once = [&runs] {
    if (runs++ == 0) const Chan<int> patched;
  };
  const auto results = InTurns({options, options}, {once, [] {}});
  EXPECT_THAT(results[0].idle_patches, IsEmpty());
}

// A pool has real threads, also under the explorer. What it leaves is part of how a schedule ends.
TEST(ExploreInPools, WhatIsLeftThereIsFound) {
  const auto explore = [](std::size_t room) {
    ExploreOptions options;
    options.schedules = 5;
    return Explore(options, [room] {
      Pool pool({.workers = 1});
      const Chan<int> answers(room);
      pool.Go([answers] { answers.Send(1); });
      pool.Shutdown(absl::Milliseconds(100));  // enough for it to come to its send
    });
  };
  EXPECT_TRUE(explore(1).clean());
  const ExploreResult result = explore(0);
  ASSERT_FALSE(result.clean());
  ASSERT_EQ(result.outcomes.size(), 1u);  // the same each time
  EXPECT_EQ(result.outcomes[0].count, 5u);
  EXPECT_EQ(result.bad()->report.findings()[0].rule(), "abandoned-send");
}

}  // namespace
}  // namespace stranded
