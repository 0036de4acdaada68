// Fixes that are tried at run time: right ones are verified, wrong ones are refuted.
#include "stranded/verify.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <memory>
#include <set>
#include <string>

#include "absl/strings/str_cat.h"
#include "stranded/explore.h"
#include "stranded/stranded.h"
#include "tests/detector/verify_support.h"

namespace stranded {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

TEST(Verify, ACleanBodyNeedsNoFix) {
  const FixSearch search = Search([] {});
  EXPECT_TRUE(search.was_clean);
  EXPECT_TRUE(search.trials.empty());
}

TEST(Verify, RoomForEverySender) {
  const FixSearch search = Search([] {
    auto [ctx, cancel] = WithCancel(Background());
    Chan<int> answers;
    for (int i = 0; i < 3; ++i) Go(ctx, [answers] { answers.Send(1); });
    answers.Recv();
    cancel();
  });
  const Fix* fix = Chosen(search);
  ASSERT_NE(fix, nullptr);
  EXPECT_EQ(fix->kind, FixKind::kRaiseCapacity);
  EXPECT_EQ(fix->capacity, 3);
  EXPECT_THAT(search.trials.front().evidence, HasSubstr("300 others leave nothing behind"));
}

// One run shows how many senders it had, not how many there can be.
TEST(Verify, RoomForTheLargestNeedOfAllSchedules) {
  const FixSearch search = Search([] {
    auto [ctx, cancel] = WithCancel(Background());
    Chan<int> answers;
    const int senders = 1 + static_cast<int>(this_task::Choose(5));
    for (int i = 0; i < senders; ++i) Go(ctx, [answers] { answers.Send(1); });
    answers.Recv();
    cancel();
  });
  const Fix* fix = Chosen(search);
  ASSERT_NE(fix, nullptr);
  EXPECT_EQ(fix->kind, FixKind::kRaiseCapacity);
  EXPECT_EQ(fix->capacity, 5);
}

TEST(Verify, NoRoomIsEnoughForASenderThatGoesOn) {
  const FixSearch search = Search([] {
    auto [ctx, cancel] = WithCancel(Background());
    Chan<int> numbers;
    Go(ctx, [numbers] {
      for (int i = 0; i < 50; ++i) numbers.Send(i);
    });
    numbers.Recv();
    cancel();
  });
  const Fix* fix = Chosen(search);
  ASSERT_NE(fix, nullptr);
  EXPECT_EQ(fix->kind, FixKind::kAddContextCase);
}

// A case for a context that nobody ever ends is no fix.
TEST(Verify, AContextCaseNeedsAContextThatEnds) {
  const auto body = [] {
    auto [ctx, cancel] = WithCancel(Background());
    Chan<int> numbers;
    Go(ctx, [numbers, kept = cancel] {
      for (int i = 0; i < 50; ++i) numbers.Send(i);
    });
    numbers.Recv();
  };
  const FixSearch search = Search(body);
  const Fix* fix = Chosen(search);
  ASSERT_NE(fix, nullptr);
  EXPECT_EQ(fix->kind, FixKind::kAddContextCase);
  EXPECT_THAT(fix->summary, HasSubstr("and cancel the context made at"));
  EXPECT_THAT(fix->patch, HasSubstr(",cancel@"));
  ExploreOptions options;
  options.schedules = 5;
  options.patch = fix->patch;
  EXPECT_TRUE(Explore(options, body).clean());
  options.patch = fix->patch.substr(0, fix->patch.find(','));
  EXPECT_FALSE(Explore(options, body).clean());
}

TEST(Verify, CloseForALoopingReceiver) {
  const FixSearch search = Search([] {
    Chan<int> items;
    Go([items] {
      for (const int item : items) static_cast<void>(item);
    });
    items.Send(1);
  });
  const Fix* fix = Chosen(search);
  ASSERT_NE(fix, nullptr);
  EXPECT_EQ(fix->kind, FixKind::kCloseChannel);
}

// Whoever is to close waits for the receivers, and would go on once they have ended.
TEST(Verify, CloseBeforeTheWaitForTheReceivers) {
  const FixSearch search = Search([] {
    Chan<int> jobs;
    WaitGroup workers;
    for (int i = 0; i < 3; ++i) {
      workers.Go([jobs] {
        for (const int job : jobs) std::ignore = job;
      });
    }
    for (int i = 0; i < 5; ++i) jobs.Send(i);
    workers.Wait();
    jobs.Close();
  });
  const Fix* fix = Chosen(search);
  ASSERT_NE(fix, nullptr);
  EXPECT_EQ(fix->kind, FixKind::kCloseChannel);
  EXPECT_THAT(fix->summary, HasSubstr("before the wait at"));
}

// Closed while its sender waits for an answer, it would be sent on again.
TEST(Verify, CloseIsRefutedWhereTheSenderGoesOn) {
  const FixSearch search = Search([] {
    Chan<int> jobs;
    WaitGroup workers;
    workers.Go([jobs] {
      for (const int job : jobs) std::ignore = job;
    });
    jobs.Send(1);
    workers.Wait();
    jobs.Send(2);
  });
  int tried = 0;
  for (const FixTrial& trial : search.trials) {
    if (trial.fix.kind != FixKind::kCloseChannel) continue;
    ++tried;
    EXPECT_EQ(trial.status, FixStatus::kRefuted) << trial.evidence;
  }
  EXPECT_GT(tried, 0);
}

// The wait may be for other senders: closing before it would be too early for them.
TEST(Verify, NothingIsSaidOfTheWaitWhereSeveralSend) {
  const FixSearch search = Search([] {
    Chan<int> jobs;
    WaitGroup all;
    all.Go([jobs] {
      for (const int job : jobs) std::ignore = job;
    });
    Go([jobs] { jobs.Send(1); }).Join();
    jobs.Send(2);
    all.Wait();
    jobs.Close();
  });
  int tried = 0;
  for (const FixTrial& trial : search.trials) {
    if (trial.fix.kind != FixKind::kCloseChannel) continue;
    ++tried;
    EXPECT_THAT(trial.fix.summary, testing::Not(HasSubstr("before the wait")));
  }
  EXPECT_GT(tried, 0);
}

TEST(Verify, CancelForAWatcherOfAContext) {
  const FixSearch search = Search([] {
    auto [ctx, cancel] = WithCancel(Background());
    Go(ctx, [ctx = ctx] { ctx.Done().Recv(); });
    auto kept = std::make_shared<CancelFunc>(cancel);
    Go([kept, c = Chan<int>(1)] { c.Send(1); });
  });
  const Fix* fix = Chosen(search);
  ASSERT_NE(fix, nullptr);
  EXPECT_EQ(fix->kind, FixKind::kCallCancel);
}

TEST(Verify, ReleaseOfALockThatIsHeldAcrossASend) {
  const FixSearch search = Search([] {
    struct Shared {
      Mutex lock;
      Chan<int> c;
    };
    auto s = std::make_shared<Shared>();
    Go([s] {
      s->lock.Lock();
      s->c.Send(1);
      s->lock.Unlock();
    });
    Go([s] {
      s->lock.Lock();
      s->lock.Unlock();
      s->c.Recv();
    });
  });
  const Fix* fix = Chosen(search);
  ASSERT_NE(fix, nullptr);
  EXPECT_EQ(fix->kind, FixKind::kReleaseBeforeWait);
}

// By hand: the lock taken at one line is released across the operation at another.
// An unlocked lock ends the waiting and protects nothing any more: the order is what is wrong.
TEST(Verify, WhatNoPatchStandsForIsShownBesideAReleasedLock) {
  const FixSearch search = Search([] {
    Mutex a, b;
    TaskHandle one = Go([&] {
      const MutexLock first(a);
      this_task::Yield();
      const MutexLock second(b);
    });
    {
      const MutexLock first(b);
      this_task::Yield();
      const MutexLock second(a);
    }
    one.Join();
  });
  ASSERT_TRUE(search.verified) << search.ToText();
  EXPECT_EQ(search.chosen.front().kind, FixKind::kReleaseBeforeWait);
  EXPECT_THAT(search.chosen.front().warnings, testing::Contains(HasSubstr("protects")));
  ASSERT_EQ(search.LookFirst().size(), 1u) << search.ToText();
  EXPECT_THAT(search.LookFirst().front()->fix.summary, HasSubstr("in the same order"));
}

TEST(Verify, ReleaseAcrossOneOperationOnly) {
  std::string file;
  std::uint32_t taken = 0;
  const auto body = [&] {
    struct Shared {
      Mutex lock;
      Chan<int> c;
    };
    auto s = std::make_shared<Shared>();
    const std::source_location here = std::source_location::current();
    file = here.file_name();
    taken = here.line() + 4;
    Go([s] {
      s->lock.Lock();
      s->c.Send(1);
      s->lock.Unlock();
    });
    Go([s] {
      s->lock.Lock();
      s->lock.Unlock();
      s->c.Recv();
    });
  };
  ExploreOptions options;
  options.schedules = 200;
  EXPECT_FALSE(Explore(options, body).clean());
  const auto release_across = [&](std::uint32_t line) {
    options.patch =
        "release(" + file + "#" + std::to_string(line) + ")@" + file + "#" + std::to_string(taken);
    return Explore(options, body);
  };
  const ExploreResult released = release_across(taken + 1);
  EXPECT_TRUE(released.clean());
  EXPECT_THAT(released.idle_patches, IsEmpty());
  const ExploreResult in_vain = release_across(taken + 2);
  EXPECT_FALSE(in_vain.clean());
  EXPECT_THAT(in_vain.idle_patches, ElementsAre(options.patch));
  options.patch = "release(nowhere)@" + file + "#1";
  EXPECT_FALSE(Explore(options, body).error.ok());
}

// The first fix that makes things better leads nowhere, so all are tried once more.
TEST(Verify, NoTrialIsToldTwice) {
  const FixSearch search = Search([] {
    const Chan<int> out(8);
    Go([=] { out.Send(1); });
    Go([=] {
      Chan<int>::Nil().Recv();
      out.Close();
    });
    Go([=] {
      for ([[maybe_unused]] const int value : out) this_task::Yield();
    });
  });
  EXPECT_FALSE(search.verified);
  std::set<std::string> told;
  for (const FixTrial& trial : search.trials) {
    EXPECT_TRUE(told.insert(trial.fix.summary + trial.fix.patch + trial.evidence).second)
        << search.ToText();
  }
  EXPECT_GT(told.size(), 1u);
}

// Room for the request only moves the leak to the answer.
TEST(Verify, WhatOnlyMovesTheLeakIsRefuted) {
  const FixSearch search = Search([] {
    auto [ctx, cancel] = WithCancel(Background());
    Chan<int> requests, answers;
    Go(ctx, [requests, answers] {
      requests.Send(1);
      answers.Recv();
    });
    cancel();
  });
  ASSERT_FALSE(search.trials.empty());
  EXPECT_EQ(search.trials.front().fix.kind, FixKind::kAddContextCase);
  for (const FixTrial& trial : search.trials) {
    if (trial.fix.kind == FixKind::kRaiseCapacity) {
      EXPECT_NE(trial.status, FixStatus::kVerified);
    }
  }
}

TEST(Verify, WhatNoPatchStandsForIsNotTestable) {
  const FixSearch search = Search([] { Go([] { Chan<int>::Nil().Send(1); }); });
  EXPECT_FALSE(search.verified);
  ASSERT_FALSE(search.trials.empty());
  EXPECT_EQ(search.trials.back().status, FixStatus::kNotTestable);
  EXPECT_THAT(search.ToText(), HasSubstr("not testable: Make the channel before it is used"));
}

// The evidence stands beside the fix, in text and in JSON.
TEST(Verify, TheReportSaysWhatCameOfEachFix) {
  const FixSearch search = Search([] {
    Chan<int> c;
    Go([c] { c.Send(1); });
  });
  ASSERT_TRUE(search.verified);
  EXPECT_THAT(search.before.bad()->report.ToText(),
              HasSubstr("(verified: the failing schedule and 300 others leave nothing behind)"));
  EXPECT_THAT(search.ToJson(),
              HasSubstr("\"verification\":\"verified: the failing schedule and 300 others"));
  EXPECT_THAT(search.ToJson(), HasSubstr("\"format\":\"stranded-fix\""));
}

TEST(Verify, TwoLeaksAreFixedTogether) {
  const FixSearch search = Search([] {
    Chan<int> sent, looped;
    Go([sent] { sent.Send(1); });
    Go([looped] {
      for (const int item : looped) static_cast<void>(item);
    });
  });
  EXPECT_TRUE(search.verified);
  EXPECT_EQ(search.chosen.size(), 2u);
}

TEST(Verify, PatchesSayWhereTheyAct) {
  const FixSearch search = Search([] {
    Chan<int> c;
    Go([c] { c.Send(1); });
  });
  const Fix* fix = Chosen(search);
  ASSERT_NE(fix, nullptr);
  EXPECT_THAT(fix->patch, StartsWith("capacity(1)@"));
  EXPECT_THAT(fix->patch, HasSubstr("verify_test.cc#"));
}

TEST(Verify, APatchNamesAFileByTheEndOfItsPath) {
  const int line = __LINE__ + 2;
  const auto body = [] {
    Chan<int> c;
    Go([c] { c.Send(1); });
  };
  const auto is_clean = [&](const std::string& file) {
    ExploreOptions options;
    options.schedules = 10;
    options.patch = absl::StrCat("capacity(1)@", file, "#", line);
    return Explore(options, body).clean();
  };
  EXPECT_TRUE(is_clean(__builtin_FILE()));
  EXPECT_TRUE(is_clean("verify_test.cc"));
  EXPECT_TRUE(is_clean("detector/verify_test.cc"));
  EXPECT_FALSE(is_clean("fy_test.cc"));
  EXPECT_FALSE(is_clean("other/verify_test.cc"));
}

// Of two made at one line, one is large enough as it is.
TEST(Verify, APatchTakesNoRoomAway) {
  std::filesystem::current_path(STRANDED_TEST_SOURCE_DIR);  // where the line is read
  const FixSearch search = Search([] {
    Chan<int> queue(50), results;
    for (int i = 0; i < 30; ++i) queue.Send(i);
    Go([queue, results] { results.Send(*queue.Recv()); });
  });
  const Fix* fix = Chosen(search);
  ASSERT_NE(fix, nullptr);
  EXPECT_THAT(fix->patch, StartsWith("capacity(1)@"));
  EXPECT_THAT(fix->warnings, Contains(HasSubstr("Several channels are made there: this one is the "
                                                "Chan<int> with capacity 0 that is sent on at ")));
}

}  // namespace
}  // namespace stranded
