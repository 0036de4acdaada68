// What stands for an operation that gives up: a sender that returns or goes on, a loop that has no
// end, the context that is listened to, a stop that reaches all.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <source_location>
#include <string>
#include <thread>

#include "absl/strings/str_cat.h"
#include "detector/model/snapshot.h"
#include "stranded/dump.h"
#include "stranded/dump_reader.h"
#include "stranded/explore.h"
#include "stranded/stranded.h"
#include "stranded/verify.h"
#include "tests/detector/verify_support.h"

namespace stranded {
namespace {

using testing::HasSubstr;

// A worker that returns leaves those that feed it, and a feeder that returns does not close: all
// three operations listen to the context.
TEST(GiveUp, ASenderThatGivesUpReturns) {
  const FixSearch search = Search([] {
    auto [ctx, cancel] = WithCancel(Background());
    const Chan<int> jobs, results;
    Go(ctx, [=] {
      for (const int job : jobs) results.Send(job);
    });
    Go(ctx, [=] {
      for (int i = 0; i < 4; ++i) jobs.Send(i);
      jobs.Close();
    });
    results.Recv();
    cancel();
  });
  ASSERT_TRUE(search.verified);
  EXPECT_EQ(search.chosen.size(), 3u) << search.ToText();
}

// A context case that is met early leaves who still wants the value: no fix, though a wait that
// ends when nothing else can run would leave nothing.
TEST(GiveUp, ASenderThatLeavesEarlyStrandsItsReceiver) {
  const FixSearch search = Search([] {
    auto [ctx, cancel] = WithCancel(Background());
    const Chan<int> values;
    Go(ctx, [=] {
      for (int i = 0; i < 2; ++i) values.Send(i);
    });
    Go([=] { values.Recv(); });
    cancel();
  });
  bool tried = false;
  for (const FixTrial& trial : search.trials) {
    if (trial.fix.kind != FixKind::kAddContextCase) continue;
    if (!trial.fix.patch.starts_with("context(send)")) continue;
    tried = true;
    EXPECT_NE(trial.status, FixStatus::kVerified) << trial.fix.summary << trial.evidence;
  }
  EXPECT_TRUE(tried) << search.ToText();
}

// Whether the patch leaves as little behind as the edit that it stands for.
void ExpectAsTheEdit(
    bool clean, int schedules,
    const std::function<void(const std::function<void(Chan<int>, Context)>&)>& body) {
  std::uint32_t line = 0;
  ExploreOptions options;
  options.schedules = schedules;
  const auto plain = [&line](const Chan<int>& values, const Context&) {
    line = std::source_location::current().line() + 1;
    values.Send(1);
  };
  const auto edited = [](const Chan<int>& values, const Context& ctx) {
    Select(OnSend(values, 1), OnDone(ctx));
  };
  Explore(options, [&] { body(plain); });  // to know the line
  EXPECT_EQ(Explore(options, [&] { body(edited); }).clean(), clean);
  options.patch = absl::StrCat("context(send)@give_up_test.cc#", line);
  const ExploreResult patched = Explore(options, [&] { body(plain); });
  EXPECT_EQ(patched.clean(), clean) << patched.ToText();
}

// Whoever ends the context may be the next to act, with nobody else to choose from: the value is
// not there any more.
TEST(GiveUp, WhatIsLeftByItsContextIsNotTakenAfterwards) {
  ExpectAsTheEdit(false, 100, [](const std::function<void(Chan<int>, Context)>& send) {
    auto [ctx, cancel] = WithCancel(Background());
    const Chan<int> values, started(1);
    Go(ctx, [=, c = ctx] {
      started.Send(1);
      send(values, c);
    });
    started.Recv();
    for (int i = 0; i < 5; ++i) this_task::Yield();
    cancel();
    values.Recv();
  });
}

TEST(GiveUp, AThreadMayEndTheContext) {
  std::thread thread;
  ExpectAsTheEdit(true, 1, [&thread](const std::function<void(Chan<int>, Context)>& send) {
    auto [ctx, cancel] = WithCancel(Background());
    const Chan<int> values;
    const TaskHandle sends = Go(ctx, [=, c = ctx] { send(values, c); });
    if (thread.joinable()) thread.join();
    thread = std::thread([cancel = cancel]() mutable { cancel(); });
    sends.Join();
  });
  thread.join();
}

// What the schedule chooses where both are ready, as a Select does.
TEST(GiveUp, AReadyOperationMayStillLeaveByItsContext) {
  std::uint32_t line = 0;
  int sent = 0, left = 0;
  ExploreOptions options;
  options.schedules = 40;
  const auto body = [&] {
    auto [ctx, cancel] = WithCancel(Background());
    const Chan<int> values(1);
    cancel();
    Go(ctx, [=, &line] {
      line = std::source_location::current().line() + 1;
      values.Send(1);
    }).Join();
    ++(values.TryRecv().value.has_value() ? sent : left);
  };
  EXPECT_TRUE(Explore(options, body).clean());
  EXPECT_EQ(left, 0);
  options.patch = absl::StrCat("context(send)@give_up_test.cc#", line);
  EXPECT_TRUE(Explore(options, body).clean());
  EXPECT_GT(left, 0);
  EXPECT_GT(sent, 40);
  options.patch = absl::StrCat("context(recv)@give_up_test.cc#", line);
  left = 0;
  EXPECT_TRUE(Explore(options, body).clean());
  EXPECT_EQ(left, 0);
}

// A sender that gives up may go on without its value. Then those that feed it come to their end.
TEST(GiveUp, OrItGoesOnWithoutItsValue) {
  std::uint32_t line = 0;
  const auto body = [&line] {
    auto [ctx, cancel] = WithCancel(Background());
    const Chan<int> jobs, results;
    Go(ctx, [=, &line] {
      line = std::source_location::current().line() + 1;
      for (const int job : jobs) results.Send(job);
    });
    Go([=] {
      for (int i = 0; i < 4; ++i) jobs.Send(i);
      jobs.Close();
    });
    results.Recv();
    cancel();
  };
  const auto with = [&](const std::string& kind) {
    ExploreOptions options;
    options.schedules = 20;
    options.patch = line == 0 ? "" : absl::StrCat(kind, "@give_up_test.cc#", line);
    return Explore(options, body);
  };
  EXPECT_FALSE(with("").clean());
  EXPECT_FALSE(with("context").clean());
  EXPECT_TRUE(with("context(skip)").clean()) << with("context(skip)").ToText();
}

TEST(GiveUp, AnEndlessProgramIsNoFix) {
  const FixSearch search = Search([] {
    auto [ctx, cancel] = WithCancel(Background());
    const Chan<int> wake, values;
    Go(ctx, [=] {
      while (true) {
        Select(OnRecv(wake), OnRecv(values));
      }
    });
    cancel();
  });
  for (const FixTrial& trial : search.trials) {
    if (trial.fix.kind != FixKind::kCloseChannel) continue;
    EXPECT_EQ(trial.status, FixStatus::kRefuted) << trial.fix.summary << trial.evidence;
  }
  EXPECT_LT(search.schedules, 302 + 3);  // one that goes round is enough
}

// What stands above the task's own context serves others, too: it is not to be cancelled.
TEST(GiveUp, ASelectThatListensToTheServersContextIsGivenItsOwn) {
  auto [server, stop] = WithCancel(Background());
  const FixSearch search = Search([server = server] {
    auto [request, cancel] = WithCancel(server);
    const Chan<int> beats;
    Go(request, [=] { Select(OnSend(beats, 1), OnDone(server)); });
    cancel();
  });
  stop();
  ASSERT_TRUE(search.verified) << search.ToText();
  EXPECT_THAT(search.chosen.front().summary, HasSubstr("listen to the task's own context"));
  for (const FixTrial& trial : search.trials) EXPECT_NE(trial.fix.kind, FixKind::kCallCancel);
}

// More values than there are tasks were not to stop them.
TEST(GiveUp, AWakeUpIsNoStop) {
  const FixSearch search = Search([] {
    const Chan<int> work;
    const Chan<Unit> wake;
    Go([=] {
      while (Select(OnRecv(work), OnRecv(wake)) < 2) {
      }
    });
    for (int i = 0; i < 2; ++i) wake.Send(Unit{});
  });
  ASSERT_FALSE(search.was_clean);
  EXPECT_THAT(search.before.bad()->report.ToText(),
              testing::Not(HasSubstr("Close() it instead of sending at")));
}

TEST(GiveUp, AStopThatIsSentReachesOneTask) {
  const FixSearch search = Search([] {
    const Chan<int> work;
    const Chan<Unit> stop;
    for (int i = 0; i < 3; ++i) {
      Go([=] {
        while (Select(OnRecv(work), OnRecv(stop)) == 0) {
        }
      });
    }
    work.Send(1);
    stop.Send(Unit{});
  });
  ASSERT_TRUE(search.verified) << search.ToText();
  EXPECT_EQ(search.chosen.front().kind, FixKind::kCloseChannel);
  EXPECT_THAT(search.chosen.front().summary, HasSubstr("Close() it instead of sending at"));
  EXPECT_THAT(search.before.bad()->report.ToText(), HasSubstr("(1 sent, 1 received)"));
}

// Its wait record tells of a frame that is gone by then.
TEST(GiveUp, WhoGoesOnWaitsForNothingAnyMore) {
  std::uint32_t line = 0;
  bool waits = true, went_on = false;
  ExploreOptions options;
  options.schedules = 1;
  const auto body = [&] {
    Go([&] {
      const Chan<int> nobody_sends;
      line = __LINE__ + 1;
      nobody_sends.Recv();
      went_on = true;
      const auto dump = detector::ReadDump(CaptureDump(), "here");
      ASSERT_TRUE(dump.ok()) << dump.status();
      const detector::Snapshot& s = (*dump)->snapshots.back();
      const detector::Task* self = s.tasks.Find(s.taken_by);
      waits = self == nullptr || self->wait != detector::WaitKind::kNone || self->case_count != 0;
    });
  };
  Explore(options, body);
  ASSERT_FALSE(went_on);
  options.patch = absl::StrCat("giveup@give_up_test.cc#", line);
  Explore(options, body);
  EXPECT_TRUE(went_on);
  EXPECT_FALSE(waits);
}

}  // namespace
}  // namespace stranded
