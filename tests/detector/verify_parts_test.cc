// Fixes that need each other, and those that are one too many.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <tuple>

#include "stranded/stranded.h"
#include "stranded/verify.h"
#include "tests/detector/verify_support.h"

namespace stranded {
namespace {

using testing::HasSubstr;

// Two faults of one task, one behind the other: each has its own fix.
TEST(VerifyParts, ATaskThatGoesOnToWaitElsewhereHasAnotherFault) {
  const FixSearch search = Search([] {
    auto group = std::shared_ptr<WaitGroup>(new WaitGroup);
    Chan<int> answer;
    group->Add(1);
    Go([=] {
      answer.Send(1);
      group->Wait();
    });
  });
  ASSERT_TRUE(search.verified) << search.ToText();
  EXPECT_THAT(search.trials.front().evidence, HasSubstr("goes on to wait elsewhere"));
  const bool has_room = search.trials.front().fix.kind == FixKind::kRaiseCapacity;
  EXPECT_TRUE(has_room) << search.ToText();
}

// The close is found first; but what lets the closer go on makes it one too many.
TEST(VerifyParts, APartThatIsNotNeededIsDropped) {
  const FixSearch search = Search([] {
    auto workers = std::shared_ptr<WaitGroup>(new WaitGroup);
    Chan<int> results(1);
    workers->Add(2);
    Go([workers] { workers->Done(); });
    Go([] {});  // forgets Done()
    Go([=] {
      workers->Wait();
      results.Close();
    });
    Go([results] { results.Recv(); });
  });
  ASSERT_TRUE(search.verified) << search.ToText();
  ASSERT_EQ(search.chosen.size(), 1U) << search.ToText();
  EXPECT_EQ(search.chosen[0].kind, FixKind::kAddDone);
  EXPECT_THAT(search.trials.front().evidence, HasSubstr("not needed beside the other fix"))
      << search.ToText();
}

// Both are needed: neither lets the other's task go on.
TEST(VerifyParts, PartsThatAreNeededStay) {
  const FixSearch search = Search([] {
    Chan<int> one;
    Chan<int> other;
    Go([one] { one.Recv(); });
    Go([other] { other.Recv(); });
  });
  ASSERT_TRUE(search.verified) << search.ToText();
  EXPECT_EQ(search.chosen.size(), 2U) << search.ToText();
}

// The close lets the task go on that was to close.
TEST(VerifyParts, ASecondCloseIsWarnedOf) {
  const FixSearch search = Search([] {
    Chan<int> answers, done;
    Go([=] {
      done.Recv();
      answers.Close();
    });
    Go([=] {
      for (const int answer : answers) std::ignore = answer;
      done.Close();
    });
  });
  const Fix* fix = Chosen(search);
  ASSERT_NE(fix, nullptr) << search.ToText();
  EXPECT_EQ(fix->kind, FixKind::kCloseChannel);
  EXPECT_THAT(fix->warnings, testing::Contains(HasSubstr("comes to its own Close() at")));
}

// One of them stands at line 5, the other at line 51, 52 or so.
TEST(VerifyParts, ASecondCloseIsThatOfOneChannel) {
  ExploreResult before, after;
  ExploreOutcome bad;
  FindingData data;
  data.rule = "unclosed-channel";
  for (const char* patch : {"close@x.cc#5", "close@x.cc#52"}) {
    Fix fix;
    fix.kind = FixKind::kCloseChannel;
    fix.patch = fix.summary = patch;
    data.wait_site.file = data.spawn_site.file = patch;
    data.wait_site.line = data.spawn_site.line = 1;
    data.candidates = {fix};
    Analysis analysis = bad.report.analysis();
    analysis.findings.emplace_back(data);
    bad.report = LeakReport(std::move(analysis));
  }
  before.outcomes = {bad};
  before.first_bad = 0;
  // The first fix leaves the other finding, and both of them nothing.
  const FixSearch search =
      SearchFixes(before, [&](const std::string& patches, const std::string&) -> ExploreResult {
        ExploreResult result;
        result.schedules = 1;
        if (patches == "close@x.cc#5,close@x.cc#52") {
          result.second_closes = {{"close@x.cc#5", {}}};
          return result;
        }
        ExploreOutcome left;
        Analysis analysis;
        const auto& all = bad.report.findings();
        analysis.findings = {patches == "close@x.cc#5" ? all[1] : all[0]};
        left.report = LeakReport(std::move(analysis));
        result.outcomes = {left};
        result.first_bad = 0;
        return result;
      });
  ASSERT_EQ(search.chosen.size(), 2U) << search.ToText();
  EXPECT_EQ(search.chosen[0].warnings.size(), 1U);
  EXPECT_EQ(search.chosen[1].warnings.size(), 0U);
}

}  // namespace
}  // namespace stranded
