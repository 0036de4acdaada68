// Rules that speak of what has not happened yet, on programs that are run here.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>

#include "stranded/explore.h"
#include "stranded/leak_check.h"
#include "stranded/options.h"
#include "stranded/stranded.h"

namespace stranded {
namespace {

using testing::HasSubstr;

// The findings of one rule in what `body` leaves, in one default schedule.
std::vector<FindingData> FindingsOf(const std::string& rule, const std::function<void()>& body,
                                    bool only_it = false) {
  ExploreOptions options;
  options.policy = "replay";
  options.schedule = "-";
  options.minimize = false;
  if (only_it) options.check.rules = {rule};
  const ExploreResult result = Explore(options, body);
  std::vector<FindingData> found;
  for (const ExploreOutcome& o : result.outcomes) {
    for (const Finding& f : o.report.findings()) {
      if (f.rule() == rule) found.push_back(f.data());
    }
  }
  return found;
}

TEST(CondStuck, ALostWakeUpIsNamedWithBothSites) {
  const auto found = FindingsOf("cond-stuck", [] {
    struct Shared {
      Mutex lock;
      Cond ready{lock};
    };
    auto s = std::make_shared<Shared>();
    Go([s] { s->ready.Signal(); }).Join();
    Go([s] {
      s->lock.Lock();
      s->ready.Wait();
      s->lock.Unlock();
    });
  });
  ASSERT_EQ(found.size(), 1u);
  EXPECT_THAT(found[0].notes, testing::Contains(HasSubstr("Lost wake-up: the signal at ")));
}

TEST(WaitChain, FollowsFromTheWaitGroupToTheLock) {
  const auto found = FindingsOf("waitgroup-stuck", [] {
    struct Shared {
      WaitGroup all;
      Chan<int> never;
    };
    auto s = std::make_shared<Shared>();
    s->all.Add(1);
    Go([s] {
      s->never.Recv();
      s->all.Done();
    });
    s->all.Wait();
  });
  ASSERT_EQ(found.size(), 1u);
  ASSERT_GE(found[0].graph.size(), 3u);
  EXPECT_THAT(found[0].graph[0], HasSubstr("waiting for a WaitGroup"));
  EXPECT_THAT(found[0].graph[2], HasSubstr("receiving"));
}

TEST(ContextBag, ManyValuesAreAdviceOnRequestOnly) {
  struct Key {
    using Value = int;
  };
  const auto body = [] {
    Context ctx = Background();
    for (int i = 0; i < 10; ++i) ctx = WithValue<Key>(ctx, i);
    Go(ctx, [c = Chan<int>()] { c.Recv(); });
  };
  EXPECT_TRUE(FindingsOf("context-bag", body).empty());
  const auto asked = FindingsOf("context-bag", body, true);
  ASSERT_EQ(asked.size(), 1u);
  EXPECT_THAT(asked[0].title, HasSubstr("10 values"));
}

TEST(ContextBag, ATraceIdIsFine) {
  struct TraceId {
    using Value = std::string;
  };
  EXPECT_TRUE(
      FindingsOf(
          "context-bag",
          [] { Go(WithValue<TraceId>(Background(), "req-1"), [c = Chan<int>()] { c.Recv(); }); },
          true)
          .empty());
}

}  // namespace
}  // namespace stranded
