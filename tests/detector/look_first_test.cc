// Findings that follow from another wait say where to look, and nothing that is not so.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "stranded/explore.h"
#include "stranded/stranded.h"

namespace stranded {
namespace {

using testing::HasSubstr;
using testing::Not;

// The fixes that the finding of `rule` proposes.
std::vector<std::string> FixesOf(const std::string& rule, const std::function<void()>& body) {
  ExploreOptions options;
  options.schedules = 1;
  const ExploreResult result = Explore(options, body);
  std::vector<std::string> fixes;
  if (result.clean()) return fixes;
  for (const Finding& f : result.bad()->report.findings()) {
    if (f.rule() != rule) continue;
    for (const Fix& fix : f.fixes()) fixes.push_back(fix.summary);
  }
  return fixes;
}

TEST(LookFirst, AtTheSenderThatIsStuckElsewhere) {
  const auto fixes = FixesOf("unclosed-channel", [] {
    const Chan<int> values, elsewhere;
    Go([values] {
      for ([[maybe_unused]] const int value : values) this_task::Yield();
    });
    Go([values, elsewhere] {
      values.Send(1);
      elsewhere.Send(2);
      values.Close();
    });
  });
  ASSERT_EQ(fixes.size(), 2u);
  EXPECT_THAT(fixes[0], HasSubstr("Look first at"));
  EXPECT_THAT(fixes[0], Not(HasSubstr("task 3")));  // its number is another one in each run
  EXPECT_THAT(fixes[1], HasSubstr("Call Close()"));
}

TEST(LookFirst, AtNobodyInACircle) {
  const auto fixes = FixesOf("unclosed-channel", [] {
    const auto group = std::make_shared<WaitGroup>();
    const Chan<int> values;
    group->Go([values] {
      for ([[maybe_unused]] const int value : values) this_task::Yield();
    });
    Go([values, group] {
      values.Send(1);
      group->Wait();
      values.Close();
    });
  });
  ASSERT_FALSE(fixes.empty());
  for (const std::string& fix : fixes) EXPECT_THAT(fix, Not(HasSubstr("Look first at")));
}

// The receiver takes one value only.
TEST(LookFirst, TheLockIsHalfOfItWhereTheReceiverHasLeft) {
  const auto fixes = FixesOf("lock-chan-cycle", [] {
    struct Shared {
      Mutex lock;
    };
    const auto shared = std::make_shared<Shared>();
    const Chan<int> values, held;
    Go([values] { values.Recv(); });
    Go([shared, values, held] {
      const MutexLock guard(shared->lock);
      held.Close();
      values.Send(1);
      values.Send(2);
    });
    Go([shared, held] {
      held.Recv();
      const MutexLock guard(shared->lock);
    });
  });
  ASSERT_EQ(fixes.size(), 2u);
  EXPECT_THAT(fixes[0], HasSubstr("Release the lock"));
  EXPECT_THAT(fixes[1], HasSubstr("when the other side leaves"));
}

TEST(LookFirst, TheLockMayBeAllOfItWhereNobodyHasComeYet) {
  const auto fixes = FixesOf("lock-chan-cycle", [] {
    struct Shared {
      Mutex lock;
    };
    const auto shared = std::make_shared<Shared>();
    const Chan<int> values, held;
    Go([shared, values, held] {
      const MutexLock guard(shared->lock);
      held.Close();
      values.Send(1);
    });
    Go([shared, values, held] {
      held.Recv();
      const MutexLock guard(shared->lock);
      values.Recv();
    });
  });
  ASSERT_EQ(fixes.size(), 1u);
  EXPECT_THAT(fixes[0], HasSubstr("Release the lock"));
}

}  // namespace
}  // namespace stranded
