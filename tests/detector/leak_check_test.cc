// Checks that a program makes of itself.
#include "stranded/leak_check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/base/thread_annotations.h"
#include "stranded/explore.h"
#include "stranded/stranded.h"

namespace stranded {
namespace {

using ::testing::ElementsAre;
using ::testing::Not;
using ::testing::StartsWith;

std::vector<std::string> RulesFound(bool goes_on) {
  LeakCheckOptions options;
  options.caller_goes_on = goes_on;
  options.rules = {"unclosed-channel", "orphaned-lock"};  // other tests of the process leave others
  std::vector<std::string> rules;
  for (const Finding& f : FindLeaks(options).findings()) rules.emplace_back(f.rule());
  return rules;
}

// Two looks of a supervisor that closes the worker's channel itself in the end.
void Supervise(bool goes_on, bool leaves_a_lock,
               std::vector<std::vector<std::string>>& found) ABSL_NO_THREAD_SAFETY_ANALYSIS {
  const Chan<int> jobs;
  Mutex mutex;
  const TaskHandle worker = Go([=] {
    for ([[maybe_unused]] const int job : jobs) this_task::Yield();
  });
  if (leaves_a_lock) {
    for (int i = 0; i < 2; ++i) Go([&mutex]() ABSL_NO_THREAD_SAFETY_ANALYSIS { mutex.Lock(); });
  }
  for (int i = 0; i < 2; ++i) {
    jobs.Send(i);
    this_task::SleepFor(absl::Minutes(1));
    found.push_back(RulesFound(goes_on));
  }
  jobs.Close();
  worker.Join();
  if (leaves_a_lock) mutex.Unlock();
  this_task::SleepFor(absl::Seconds(1));
  if (leaves_a_lock) mutex.Unlock();
}

std::vector<std::vector<std::string>> Looks(bool goes_on, bool leaves_a_lock) {
  std::vector<std::vector<std::string>> found;
  ExploreOptions options;
  options.schedules = 20;
  const auto body = [&] {
    found.clear();
    Supervise(goes_on, leaves_a_lock, found);
  };
  const ExploreResult result = Explore(options, body);
  EXPECT_TRUE(result.clean()) << result.ToText();
  return found;
}

TEST(FindLeaks, TheCallerCountsAsHavingLeft) {
  const std::vector<std::string> look = {"unclosed-channel"};
  EXPECT_THAT(Looks(false, false), ElementsAre(look, look));
}

TEST(FindLeaks, ACallerThatGoesOnMayStillEndEachWait) {
  const std::vector<std::string> nothing;
  EXPECT_THAT(Looks(true, false), ElementsAre(nothing, nothing));
}

TEST(FindLeaks, WhatACallerThatGoesOnCannotEndIsFound) {
  const std::vector<std::string> look = {"orphaned-lock"};
  EXPECT_THAT(Looks(true, true), ElementsAre(look, look));
}

// A look in between does not end the scope; the last one does.
TEST(LeakScope, ACallerThatGoesOnMayLookInBetween) {
  std::vector<bool> clean;
  ExploreOptions options;
  options.schedules = 20;
  const ExploreResult result = Explore(options, [&clean] {
    clean.clear();
    const Chan<int> jobs;
    LeakScope scope("work");
    const TaskHandle worker = Go([jobs] { jobs.Recv(); });
    LeakCheckOptions between;
    between.caller_goes_on = true;
    clean.push_back(scope.Check(between).clean());
    clean.push_back(scope.Check(between).clean());
    clean.push_back(scope.Check().clean());
    jobs.Send(1);
    worker.Join();
  });
  EXPECT_TRUE(result.clean()) << result.ToText();
  EXPECT_THAT(clean, ElementsAre(true, true, false));
}

// What the caller cannot end is found at the first look, though the scope goes on.
TEST(LeakScope, ALookInBetweenFindsWhatTheCallerCannotEnd) {
  std::vector<std::string> rules;
  ExploreOptions options;
  options.schedules = 1;
  std::ignore = Explore(options, [&rules]() ABSL_NO_THREAD_SAFETY_ANALYSIS {
    Mutex mutex;
    LeakScope scope("work");
    Go([&mutex]() ABSL_NO_THREAD_SAFETY_ANALYSIS { mutex.Lock(); }).Join();
    const TaskHandle waiter = Go([&mutex] { const MutexLock lock(mutex); });
    LeakCheckOptions between;
    between.caller_goes_on = true;
    for (const Finding& f : scope.Check(between).findings()) rules.emplace_back(f.rule());
    mutex.Unlock();
    waiter.Join();
  });
  EXPECT_THAT(rules, ElementsAre("orphaned-lock"));
}

// GCC's demangler does not read the names of such lambdas.
template <class... Values>
void ReceiveInALambda(const Chan<int>& values, Values&&... others) {
  [&]<std::size_t... Is>(std::index_sequence<Is...>) __attribute__((noinline)) {
    values.Recv();
    static_assert(sizeof...(Is) == sizeof...(others));
  }
  (std::index_sequence_for<Values...>());
}

TEST(FindLeaks, AnEmptyTextToIgnoreIsAnError) {
  LeakCheckOptions options;
  options.ignore = {"third_party", ""};
  EXPECT_THROW(FindLeaks(options), MisuseError);
  LeakScope scope;
  EXPECT_THROW(scope.Check(options), MisuseError);
}

TEST(FindLeaks, AMisspeltRuleIsAnError) {
  LeakCheckOptions options;
  options.rules = {"abandoned-recv", "abandoned_send"};
  EXPECT_THROW(FindLeaks(options), MisuseError);
  LeakScope scope;
  EXPECT_THROW(scope.Check(options), MisuseError);
  ExploreOptions explored;
  explored.check = options;
  EXPECT_FALSE(Explore(explored, [] {}).error.ok());
  options.rules = {"abandoned-recv"};
  EXPECT_TRUE(scope.Check(options).clean());
}

TEST(Stacks, ALambdaInATemplateHasAName) {
  ExploreOptions options;
  options.schedules = 1;
  const ExploreResult result = Explore(options, [] {
    const Chan<int> values;
    Go([values] { ReceiveInALambda(values, 1, 2.0); });
  });
  ASSERT_FALSE(result.clean());
  const std::vector<StackFrame> stack = result.bad()->report.findings()[0].data().stack;
  ASSERT_FALSE(stack.empty());
  for (const StackFrame& frame : stack) EXPECT_THAT(frame.function, Not(StartsWith("_Z")));
}

}  // namespace
}  // namespace stranded
