// global-deadlock, outlived-scope, lost-cancel, and what options leave out.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "stranded/report.h"
#include "tests/detector/dump_builder.h"
#include "tests/detector/object_specs.h"

namespace stranded::detector {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TaskSpec Main(TaskSpec task) {
  task.task.is_main = true;
  return task;
}

World DeadEnd() {
  World world = Quiet();
  world.deadlock = true;
  return world;
}

TEST(GlobalDeadlock, ListsEveryWait) {
  DumpBuilder dump;
  dump.Add(DeadEnd());
  const SiteId at = dump.At("a.cc", 5);
  Channel channel;
  channel.id = 3;
  channel.site = at;
  dump.Add(channel).Add(Main(Receiver(1, 3, at))).Add(Receiver(7, 3, at)).End();
  const Finding f = Only(Examine(dump), "global-deadlock");
  EXPECT_EQ(f.task_count(), 2u);
  EXPECT_EQ(f.data().graph.size(), 2u);
  EXPECT_EQ(f.verdict(), "proven");
}

TEST(GlobalDeadlock, TwinsWhereMainRunsOrTheWorldIsNotDeadAreSilent) {
  DumpBuilder runs, alive;
  runs.Add(DeadEnd()).Add(Main(InState(1, TaskState::kRunning))).End();
  EXPECT_EQ(Rules(Examine(runs)), "");
  DumpBuilder checks;  // it was told of the dead end, and went on
  checks.Add(DeadEnd()).Add(Main(Waiter(1, WaitKind::kLeakCheck, 0, checks.At("a.cc", 5)))).End();
  EXPECT_EQ(Rules(Examine(checks)), "");
  alive.Add(Busy());
  const SiteId at = alive.At("a.cc", 5);
  alive.Add(Main(Waiter(1, WaitKind::kWaitGroupWait, 0, at)));
  alive.Add(InState(2, TaskState::kRunning)).End();
  EXPECT_EQ(Rules(Examine(alive)), "");
}

TEST(Main, BlockedForGoodInAQuietWorldIsFound) {
  DumpBuilder dump = DumpBuilder::Bare();
  dump.Header(1).Begin("timeout").Add(Quiet());
  const SiteId at = dump.At("a.cc", 5);
  Channel channel;
  channel.id = 3;
  dump.Add(channel).Add(Main(Receiver(1, 3, at))).End();
  EXPECT_EQ(Rules(Examine(dump)), "abandoned-recv");
}

Scope Over(Id id) {
  Scope scope;
  scope.id = id;
  scope.task = 1;
  scope.ended = true;
  return scope;
}

TaskSpec InScope(TaskSpec task, Id scope) {
  task.task.scope = scope;
  return task;
}

// One finding for both: what is not proven of one of them is not proven.
TEST(Verdict, IsProvenIfItIsForAllOfTheGroup) {
  DumpBuilder dump;
  const SiteId at = dump.At("a.cc", 5);
  World busy = Busy(), quiet = Quiet();
  quiet.id = 2;
  quiet.controlled = true;
  dump.Add(busy).Add(quiet).Add(Over(4)).Add(Unbuffered(3, at)).Add(Unbuffered(5, at));
  TaskSpec sure = Receiver(8, 5, at);
  sure.task.world = 2;
  dump.Add(InScope(Receiver(7, 3, at), 4)).Add(sure).End();
  const Finding f = Only(Examine(dump), "abandoned-recv");
  EXPECT_EQ(f.task_count(), 2u);
  EXPECT_EQ(f.verdict(), "outlived");
}

// Whether it will send is not known.
TEST(AbandonedRecv, ATimerFuncThatHasYetToRunIsNamed) {
  DumpBuilder dump;
  const SiteId at = dump.At("a.cc", 5), set = dump.At("a.cc", 3);
  Timer timer;
  timer.kind = TimerKind::kFunc;
  timer.world = 1;
  timer.site = set;
  dump.Add(Busy()).Add(Over(4)).Add(Unbuffered(3, at)).Add(timer);
  dump.Add(InScope(Receiver(7, 3, at), 4)).End();
  const std::string text = AllText(Only(Examine(dump), "abandoned-recv"));
  EXPECT_THAT(text, HasSubstr("and no task is left to send or close"));
  EXPECT_THAT(text, HasSubstr("TimerFunc set at a.cc:3 has yet to run"));
}

TEST(OutlivedScope, ASleeperBehindTheEndOfItsScopeIsLate) {
  DumpBuilder dump;
  dump.Add(Busy()).Add(Over(4)).Add(InScope(InState(7, TaskState::kSleeping), 4)).End();
  EXPECT_EQ(Only(Examine(dump), "outlived-scope").verdict(), "outlived");
}

TEST(Clocks, EachWorldHasItsOwn) {
  DumpBuilder dump;
  World world = Quiet();
  world.controlled = true;
  world.now_ns = 50 * kSecond;  // far from the clock of whoever took the dump
  dump.Add(world);
  const SiteId at = dump.At("a.cc", 5);
  Context context = Ended(2, at);
  context.world = world.id;
  context.ended_ns = 48 * kSecond;
  TaskSpec task = Waiter(7, WaitKind::kChanSendNil, 0, at);
  task.task.context = 2;
  task.task.since_ns = 47 * kSecond;
  dump.Add(context).Add(task).End();
  const Finding f = Only(Examine(dump), "nil-channel");
  EXPECT_EQ(f.data().max_age_ns, 3 * kSecond);
  ASSERT_EQ(f.data().contexts.size(), 1u);
  EXPECT_EQ(f.data().contexts[0].ended_ago_ns, 2 * kSecond);
}

TEST(Expected, WhatATestWantsToStayIsCountedAndNoFinding) {
  DumpBuilder dump;
  const SiteId at = dump.At("a.cc", 5);
  Scope wanted = Over(4), below = Over(5);
  wanted.expected = true;
  below.parent = 4;
  dump.Add(wanted).Add(below).Add(Over(6));
  dump.Add(InScope(Waiter(7, WaitKind::kChanSendNil, 0, at), 4));
  dump.Add(InScope(Waiter(8, WaitKind::kChanSendNil, 0, at), 5));
  DumpBuilder with_another = dump;
  const Analysis all_wanted = Examine(dump.End());
  EXPECT_EQ(Rules(all_wanted), "");
  EXPECT_EQ(all_wanted.summary.expected, 2u);
  EXPECT_THAT(TextReport(all_wanted),
              HasSubstr("nothing is stranded but what was expected: 2 tasks"));
  with_another.Add(InScope(Waiter(9, WaitKind::kChanSendNil, 0, at), 6)).End();
  const Analysis one_not = Examine(with_another);
  EXPECT_EQ(Only(one_not, "nil-channel").task_count(), 1u);
  EXPECT_THAT(TextReport(one_not), HasSubstr("1 finding, 1 stranded task, 2 tasks as expected"));
  AnalysisOptions piles;
  piles.growth_threshold = 2;
  EXPECT_EQ(Rules(Examine(dump, piles)), "");
}

TEST(OutlivedScope, ABlockedTaskThatAnotherOfTheScopeMayServeIsOnlyLate) {
  DumpBuilder dump;
  dump.Add(Busy()).Add(Over(4)).Add(InScope(InState(7, TaskState::kSleeping), 4));
  const SiteId at = dump.At("a.cc", 5);
  Channel channel;
  channel.id = 3;
  dump.Add(channel).Add(InScope(Sender(8, 3, at), 4)).End();
  EXPECT_EQ(Rules(Examine(dump)), "outlived-scope,outlived-scope");
}

TEST(OutlivedScope, ABlockedTaskAloneInItsScopeIsNamedByItsOwnRule) {
  DumpBuilder dump;
  dump.Add(Busy()).Add(Over(4)).Add(InState(7, TaskState::kSleeping));
  const SiteId at = dump.At("a.cc", 5);
  Channel channel;
  channel.id = 3;
  dump.Add(channel).Add(InScope(Sender(8, 3, at), 4)).End();
  EXPECT_EQ(Only(Examine(dump), "abandoned-send").verdict(), "outlived");
}

TEST(OutlivedScope, ARetryLoopThatOutlivesItsContextIsFound) {
  DumpBuilder dump;
  dump.Add(Busy());
  const SiteId at = dump.At("a.cc", 5);
  TaskSpec task = InState(7, TaskState::kSleeping);
  task.task.wait = WaitKind::kSleep;
  task.task.wait_site = at;
  task.task.since_ns = kNow - kSecond;
  task.task.until_ns = kNow + kSecond;
  task.task.context = 5;
  dump.Add(Ended(5, at)).Add(task).End();
  EXPECT_EQ(Only(Examine(dump), "outlived-scope").verdict(), "outlived");
}

TEST(OutlivedScope, ASelectThatDoesNotListenToItsEndedContextIsToldTo) {
  DumpBuilder dump;
  const SiteId at = dump.At("a.cc", 5);
  Channel ticks;
  ticks.id = 3;
  ticks.role = ChannelRole::kTimerTick;
  ticks.timer_armed = true;
  TaskSpec select = InSelect(8, at, {{CaseOp::kRecv, 3, 0, at}});
  select.task.context = 5;
  dump.Add(Busy()).Add(Over(4)).Add(Ended(5, at)).Add(ticks).Add(InScope(select, 4)).End();
  std::string text;
  for (const Finding& f : Examine(dump).findings) text += AllText(f);
  EXPECT_THAT(text,
              HasSubstr("Add OnDone(ctx) to the Select at a.cc:5, and return when the context "
                        "has ended."));
  EXPECT_THAT(text, Not(HasSubstr("cancel its context, or join it. It stands at a.cc:5")));
}

TEST(OutlivedScope, TwinsInAnOpenScopeOrAsleepSinceBeforeTheEndAreSilent) {
  DumpBuilder dump;
  dump.Add(Busy());
  const SiteId at = dump.At("a.cc", 5);
  Scope open = Over(4);
  open.ended = false;
  TaskSpec before = InState(7, TaskState::kSleeping);
  before.task.wait = WaitKind::kSleep;
  before.task.since_ns = kNow - 9 * kSecond;  // the context ended five seconds ago
  before.task.context = 5;
  dump.Add(open)
      .Add(Ended(5, at))
      .Add(before)
      .Add(InScope(InState(8, TaskState::kSleeping), 4))
      .End();
  EXPECT_EQ(Rules(Examine(dump)), "");
}

TaskSpec Asleep(Id id, SiteId at) {
  TaskSpec task = InScope(InState(id, TaskState::kSleeping), 4);
  task.task.wait = WaitKind::kSleep;
  task.task.wait_site = at;
  task.task.spawn = id;
  return task;
}

// Two tasks spawned at one place, behind the end of their scope. One is met where the other is, at
// another place, or running.
Finding Pollers(const char* function, bool runs) {
  DumpBuilder dump;
  const SiteId spawn = dump.At("a.cc", 5, "Start()"), poll = dump.At("a.cc", 9, "Poll()");
  TaskSpec first = Asleep(7, dump.At("a.cc", 70, function));
  if (runs) {
    first.task.state = TaskState::kRunning;
    first.task.wait = WaitKind::kNone;
  }
  dump.Add(Busy()).Add(Over(4)).Add(Spawned(7, 7, 0, spawn)).Add(Spawned(8, 8, 0, spawn));
  return Only(Examine(dump.Add(first).Add(Asleep(8, poll)).End()), "outlived-scope");
}

TEST(OutlivedScope, WhereATaskThatGoesOnIsMetMakesNoOtherFinding) {
  const Finding here = Pollers("Poll()", false), there = Pollers("Wait()", false);
  const Finding running = Pollers("Wait()", true);
  for (const Finding& f : {here, there, running}) {
    EXPECT_EQ(f.task_count(), 2u);
    EXPECT_EQ(f.fingerprint(), here.fingerprint());
    EXPECT_THAT(AllText(f), HasSubstr("others were met elsewhere"));
  }
  EXPECT_THAT(std::string(there.title()), HasSubstr("2 tasks are still there, sleeping, after"));
  EXPECT_THAT(std::string(running.title()), HasSubstr("still there, running or sleeping, after"));
}

Context Lost(Id id, SiteId at) {
  Context context;
  context.id = id;
  context.kind = ContextKind::kTimeout;
  context.site = at;
  context.has_cancel_func = context.cancel_lost = true;
  context.timer_pending = true;
  context.deadline_ns = kNow + kSecond;
  return context;
}

TEST(LostCancel, SaysWhatItKeepsAlive) {
  DumpBuilder dump;
  dump.Add(Busy());
  const SiteId at = dump.At("a.cc", 5);
  Context child;
  child.id = 6;
  child.parent = 5;
  child.kind = ContextKind::kValue;
  TaskSpec user = InState(7, TaskState::kRunning);
  user.task.context = 6;
  dump.Add(Lost(5, at)).Add(child).Add(user).End();
  const Finding f = Only(Examine(dump), "lost-cancel");
  EXPECT_EQ(f.context_site().line, 5u);
  EXPECT_TRUE(HasFix(f, FixKind::kCallCancel));
  EXPECT_THAT(AllText(f), HasSubstr("1 task (such as task 7), 1 timer"));
}

TEST(LostCancel, TwinsThatEndedOrKeepNothingAliveAreSilent) {
  DumpBuilder dump;
  const SiteId at = dump.At("a.cc", 5);
  Context ended = Ended(5, at);
  ended.cancel_called = false;
  ended.cancel_lost = true;
  Context idle = Lost(6, at);
  idle.timer_pending = false;
  Context called = Lost(7, at);
  called.cancel_called = true;
  dump.Add(ended).Add(idle).Add(called).End();
  EXPECT_EQ(Rules(Examine(dump)), "");
}

TEST(LostCancel, FindingsStandInTheOrderOfTheirPlaces) {
  DumpBuilder dump;
  dump.Add(Busy());
  for (std::uint32_t line = 9; line > 0; --line) dump.Add(Lost(line, dump.At("a.cc", line)));
  const Analysis analysis = Examine(dump.End());
  ASSERT_EQ(analysis.findings.size(), 9u);
  for (std::uint32_t i = 0; i < 9; ++i) {
    EXPECT_EQ(analysis.findings[i].context_site().line, i + 1);
  }
}

// Of two spawns, a pile each or together with one.
TEST(Growth, CountsAllThatWaitAtAPlace) {
  DumpBuilder dump;
  dump.Add(Busy());
  const SiteId at = dump.At("a.cc", 5), first = dump.At("a.cc", 7), second = dump.At("a.cc", 8);
  Sync lock;
  lock.id = 1;
  dump.Add(lock).Add(Spawned(2, 100, 0, first)).Add(Spawned(3, 101, 0, second));
  for (Id id = 200; id < 212; ++id) {
    TaskSpec waiter = Waiter(id, WaitKind::kMutexLock, 1, at);
    waiter.task.spawn = id < 205 ? 2 : 3;
    waiter.task.since_ns = kNow - (static_cast<std::int64_t>(id) - 200 + 3) * kSecond;
    dump.Add(waiter);
  }
  dump.Add(InState(300, TaskState::kRunning)).End();
  AnalysisOptions options;
  options.growth_threshold = 7;
  const Finding f = Only(Examine(dump, options), "growth");
  EXPECT_EQ(f.task_count(), 12u);
  EXPECT_EQ(f.data().min_age_ns, 3 * kSecond);
  EXPECT_EQ(f.data().max_age_ns, 14 * kSecond);
  EXPECT_THAT(AllText(f), HasSubstr("at 2 places, the most (7) at a.cc:8."));
  options.growth_threshold = 8;
  EXPECT_EQ(Rules(Examine(dump, options)), "");
}

TEST(Options, RulesScopesAndIgnoredPlacesAreLeftOut) {
  DumpBuilder dump;
  const SiteId at = dump.At("lib/a.cc", 5, "Pump()");
  Scope scope = Over(4);
  scope.ended = false;
  dump.Add(scope).Add(InScope(Waiter(7, WaitKind::kChanSendNil, 0, at), 4));
  dump.Add(Waiter(8, WaitKind::kSelectEmpty, 0, at)).End();
  EXPECT_EQ(Rules(Examine(dump)), "empty-select,nil-channel");
  AnalysisOptions options;
  options.rules = {"empty-select"};
  EXPECT_EQ(Rules(Examine(dump, options)), "empty-select");
  options = {};
  options.scope = 4;
  EXPECT_EQ(Rules(Examine(dump, options)), "nil-channel");
  options = {};
  options.ignore = {"Pump"};
  EXPECT_EQ(Rules(Examine(dump, options)), "");
  EXPECT_EQ(Examine(dump, options).summary.hidden, 0u);
  options.count_hidden = true;
  EXPECT_EQ(Examine(dump, options).summary.hidden, 2u);
  options.ignore.clear();
  options.rules = {"empty-select"};
  EXPECT_EQ(Examine(dump, options).summary.hidden, 1u);
}

TEST(Catalogue, EveryRuleOfTheDesignHasAnExplanation) {
  std::vector<std::string> ids;
  for (const RuleText& text : RuleCatalogue()) {
    ids.emplace_back(text.id);
    EXPECT_THAT(text.explain, HasSubstr("Fix: ")) << text.id;
  }
  EXPECT_THAT(ids, ::testing::UnorderedElementsAre(
                       "cancelled-send", "cancelled-recv", "cancelled-select", "cancelled-wait",
                       "abandoned-send", "abandoned-recv", "unclosed-channel", "nil-channel",
                       "empty-select", "self-deadlock", "lock-cycle", "lock-chan-cycle",
                       "oversized-acquire", "orphaned-lock", "waitgroup-stuck", "cond-stuck",
                       "once-stuck", "global-deadlock", "outlived-scope", "lost-cancel",
                       "lock-order", "growth", "context-bag", "wait-cycle", "semaphore-cycle"));
}

}  // namespace
}  // namespace stranded::detector
