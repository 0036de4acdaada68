// Which fix is chosen where several would do.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <memory>
#include <string>

#include "detector/explore/explore_text.h"
#include "stranded/stranded.h"
#include "stranded/verify.h"
#include "tests/detector/verify_support.h"

namespace stranded {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;

// Closing a channel of its own that nobody was ever to use would end it, too.
TEST(VerifyChoice, ASelectListensToItsEndedContext) {
  const FixSearch search = Search([] {
    auto [ctx, cancel] = WithCancel(Background());
    const Chan<int> in, out;
    Go(ctx, [in, out] { Select(OnRecv(in), OnSend(out, 1)); });
    cancel();
  });
  const Fix* fix = Chosen(search);
  ASSERT_NE(fix, nullptr);
  EXPECT_EQ(fix->kind, FixKind::kAddContextCase);
  EXPECT_THAT(fix->patch, StartsWith("context@"));
}

// The fix that the report proposes is the one that is tried.
TEST(VerifyChoice, ALoopThatOutlivesItsContextListensToIt) {
  const FixSearch search = Search([] {
    auto [ctx, cancel] = WithTimeout(Background(), absl::Milliseconds(5));
    const Chan<int> in;
    Go(ctx, [in] {
      for (bool closed = false; !closed;) {
        Select(OnRecv(in, [&closed](std::optional<int> value) { closed = !value; }),
               OnRecv(After(absl::Milliseconds(20))));
      }
    });
    ctx.Done().Recv();
    cancel();
  });
  const Fix* fix = Chosen(search);
  ASSERT_NE(fix, nullptr);
  EXPECT_THAT(fix->summary, HasSubstr("Add OnDone(ctx) to the Select"));
  for (const FixTrial& trial : search.trials) EXPECT_NE(trial.status, FixStatus::kNotTestable);
}

TEST(VerifyChoice, AnEditThatCanBeAppliedStandsBesideOneThatCannot) {
  const auto here = std::filesystem::current_path();
  std::filesystem::current_path(STRANDED_TEST_SOURCE_DIR);  // where diffs find their source
  const FixSearch search = Search([] {
    Chan<int> answers;
    auto [ctx, cancel] = WithCancel(Background());
    Go(ctx, [answers] { answers.Send(1); });
    cancel();
  });
  std::filesystem::current_path(here);
  const Fix* fix = Chosen(search);
  ASSERT_NE(fix, nullptr);
  EXPECT_EQ(fix->kind, FixKind::kAddContextCase);
  EXPECT_THAT(fix->diff, IsEmpty());
  ASSERT_TRUE(search.appliable.has_value());
  EXPECT_EQ(search.appliable->kind, FixKind::kRaiseCapacity);
  EXPECT_THAT(search.appliable->diff, HasSubstr("+    Chan<int> answers(1);"));
  EXPECT_THAT(search.ToJson(), HasSubstr("\"appliable\""));
}

TEST(VerifyChoice, WhatMakeSharedMakesIsFoundByWhereItIsUsed) {
  const FixSearch done = Search([] {
    const auto group = std::make_shared<WaitGroup>();
    group->Add(1);
    Go([group] { group->Wait(); });
  });
  ASSERT_NE(Chosen(done), nullptr);
  EXPECT_EQ(Chosen(done)->kind, FixKind::kAddDone);
  EXPECT_THAT(Chosen(done)->patch, HasSubstr("verify_choice_test.cc#"));

  const FixSearch signal = Search([] {
    struct Shared {
      Mutex lock;
      Cond changed{lock};
    };
    const auto shared = std::make_shared<Shared>();
    Go([shared] {
      const MutexLock guard(shared->lock);
      shared->changed.Wait();
    });
  });
  ASSERT_NE(Chosen(signal), nullptr);
  EXPECT_EQ(Chosen(signal)->kind, FixKind::kSignal);
}

// What ran before decides where the records of tasks lie, and so what a snapshot comes to first.
TEST(VerifyChoice, WhatRanBeforeDoesNotCount) {
  const auto search = [] {
    const FixSearch found = Search([] {
      auto [ctx, cancel] = WithCancel(Background());
      const Chan<int> jobs, results;
      Go(ctx, [=] {
        for (const int job : jobs) results.Send(job);
      });
      Go(ctx, [=] { jobs.Send(1); });
      Go(ctx, [=] { jobs.Send(2); });
      cancel();
    });
    return found.ToText();
  };
  const std::string first = search();
  for (int tasks = 1; tasks < 6; ++tasks) {
    ExploreOptions once;
    once.schedules = 1;
    Explore(once, [tasks] {
      const Chan<int> gate;
      for (int i = 0; i < tasks; ++i) Go([gate] { gate.Recv(); });
    });
    EXPECT_EQ(search(), first) << tasks;
  }
}

ExploreOutcome Ends(int first, const std::string& failure) {
  ExploreOutcome outcome;
  outcome.count = 2;
  outcome.first = first;
  outcome.failure = failure;
  return outcome;
}

TEST(ExploreText, EndsThatReadAlikeAreOne) {
  ExploreResult result;
  result.outcomes = {Ends(1, "wrong"), Ends(3, "wrong"), Ends(4, "late")};
  const std::string text = detector::EndsText(result);
  EXPECT_THAT(text, StartsWith("2 distinct ends\n"));
  EXPECT_THAT(text, HasSubstr("4 x wrong; first in schedule 1\n"));
  EXPECT_THAT(text, HasSubstr("2 x late; first in schedule 4\n"));
  EXPECT_THAT(text, Not(HasSubstr("schedule 3")));
}

}  // namespace
}  // namespace stranded
