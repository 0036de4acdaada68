// Shapes that grow: wide, deep, many at one place, long cycles.
//
// Each runs on a thread with a small stack, so that a step that follows a chain by recursion ends
// the test, and is large enough that a quadratic step would not come to an end.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <pthread.h>

#include <functional>
#include <string>

#include "stranded/report.h"
#include "tests/detector/dump_builder.h"

namespace stranded::detector {
namespace {

using ::testing::HasSubstr;

constexpr Id kMany = 100'000;

void OnSmallStack(std::function<void()> body) {
  pthread_attr_t attributes;
  ASSERT_EQ(pthread_attr_init(&attributes), 0);
  ASSERT_EQ(pthread_attr_setstacksize(&attributes, std::size_t{256} << 10), 0);
  pthread_t thread;
  const auto run = [](void* arg) -> void* {
    (*static_cast<std::function<void()>*>(arg))();
    return nullptr;
  };
  ASSERT_EQ(pthread_create(&thread, &attributes, run, &body), 0);
  pthread_join(thread, nullptr);
  pthread_attr_destroy(&attributes);
}

// Everything that walks through a snapshot.
struct Reports {
  Analysis analysis;
  std::string text, tree, dot, tasks, json;
};

Reports Look(const DumpBuilder& dump, const AnalysisOptions& options = {}) {
  Reports r;
  OnSmallStack([&] {
    r.analysis = Examine(dump, options);
    r.text = TextReport(r.analysis);
    r.tree = TreeReport(r.analysis);
    r.dot = DotReport(r.analysis);
    r.tasks = TaskTable(r.analysis);
    r.json = JsonReport(r.analysis);
  });
  return r;
}

Context Below(Id id, Id parent, SiteId at) {
  Context context;
  context.id = id;
  context.parent = parent;
  context.kind = ContextKind::kCancel;
  context.site = at;
  context.has_cancel_func = true;
  return context;
}

TaskSpec In(TaskSpec task, Id context) {
  task.task.context = context;
  return task;
}

Channel Made(Id id, SiteId at) {
  Channel channel;
  channel.id = id;
  channel.site = at;
  channel.creator_task = 1;
  return channel;
}

TEST(Scale, AWideTreeOfContexts) {
  DumpBuilder dump;
  const SiteId at = dump.At("app/serve.cc", 7), wait = dump.At("app/serve.cc", 9);
  dump.Add(Ended(1, at));
  dump.Add(Made(3, at));
  for (Id i = 0; i < kMany; ++i) {
    dump.Add(Below(10 + i, 1, at));
    dump.Add(In(Receiver(10 + i, 3, wait), 10 + i));
  }
  const Reports r = Look(dump.End());
  EXPECT_EQ(r.analysis.summary.stranded, kMany);
  EXPECT_THAT(r.tree, HasSubstr("(100000 like this)"));
}

TEST(Scale, ADeepChainOfContexts) {
  DumpBuilder dump;
  const SiteId at = dump.At("app/serve.cc", 7), wait = dump.At("app/serve.cc", 9);
  dump.Add(Ended(1, at));
  dump.Add(Made(3, at));
  for (Id i = 2; i <= kMany; ++i) {
    Context value = Below(i, i - 1, at);
    value.kind = ContextKind::kValue;
    value.has_cancel_func = false;
    dump.Add(value);
  }
  // Each waits for the end of its own context, or for a channel, at some depth of the chain.
  for (Id i = 0; i < kMany; ++i) {
    const TaskSpec task = i % 2 == 0 ? Receiver(10 + i, 3, wait)
                                     : InSelect(10 + i, wait, {{CaseOp::kDone, 0, i + 1, wait}});
    dump.Add(In(task, i + 1));
  }
  AnalysisOptions options;
  options.rules = {"cancelled-recv", "context-bag"};
  const Reports r = Look(dump.End(), options);
  EXPECT_EQ(Only(r.analysis, "cancelled-recv").task_count(), kMany / 2);
  EXPECT_THAT(std::string(Only(r.analysis, "context-bag").title()), HasSubstr("99999 values"));
  EXPECT_THAT(r.tree, HasSubstr("tasks further down"));
}

TEST(Scale, LostCancelsAboveADeepChain) {
  DumpBuilder dump;
  const SiteId at = dump.At("app/serve.cc", 7);
  Context lost = Below(1, 0, at);
  lost.cancel_lost = true;
  dump.Add(lost);
  for (Id i = 2; i <= kMany; ++i) {
    Context value = Below(i, i - 1, at);
    value.kind = ContextKind::kValue;
    dump.Add(value);
  }
  for (Id i = 0; i < kMany; ++i)
    dump.Add(In(InState(10 + i, TaskState::kRunning), kMany - i % 100));
  const Reports r = Look(dump.End());
  EXPECT_EQ(Only(r.analysis, "lost-cancel").task_count(), kMany);
}

TEST(Scale, ManyWaitersOnOneChannel) {
  DumpBuilder dump;
  const SiteId made = dump.At("app/pool.cc", 3), wait = dump.At("app/pool.cc", 9);
  Channel channel = Made(3, made);
  channel.waiting_receivers = kMany;
  dump.Add(channel);
  for (Id i = 0; i < kMany; ++i) dump.Add(Receiver(10 + i, 3, wait));
  const Reports r = Look(dump.End());
  const Finding f = Only(r.analysis, "abandoned-recv");
  EXPECT_EQ(f.task_count(), kMany);
  EXPECT_EQ(f.data().channel.instances, 1u);
}

// Each has a channel of its own, made at one place: a send that nobody takes.
TEST(Scale, ManyChannelsMadeAtOnePlace) {
  DumpBuilder dump;
  const SiteId made = dump.At("app/call.cc", 3);
  std::vector<SiteId> waits;
  for (std::uint32_t line = 0; line < 1000; ++line)
    waits.push_back(dump.At("app/call.cc", 9 + line));
  for (Id i = 0; i < kMany; ++i) {
    Channel channel = Made(10 + i, made);
    channel.sends_started = channel.waiting_senders = 1;
    dump.Add(channel);
    dump.Add(Sender(10 + i, 10 + i, waits[i % waits.size()]));
  }
  const Reports r = Look(dump.End());
  EXPECT_EQ(r.analysis.findings.size(), waits.size());
  EXPECT_EQ(r.analysis.findings[0].data().channel.instances, kMany / waits.size());
}

Sync Lock(Id id, Id holder, SiteId at) {
  Sync sync;
  sync.id = id;
  sync.kind = SyncKind::kMutex;
  sync.holder_task = holder;
  sync.site = sync.holder_site = at;
  sync.waiters = 1;
  return sync;
}

TEST(Scale, ACycleOfLockWaits) {
  DumpBuilder dump;
  const SiteId at = dump.At("app/lock.cc", 5);
  for (Id i = 0; i < kMany; ++i) {
    dump.Add(Lock(10 + i, 10 + i, at));
    dump.Add(Waiter(10 + i, WaitKind::kMutexLock, 10 + (i + 1) % kMany, at));
  }
  const Reports r = Look(dump.End());
  EXPECT_THAT(std::string(Only(r.analysis, "lock-cycle").title()),
              HasSubstr("100000 tasks wait for each other's locks"));
}

TEST(Scale, ALongChainOfLockWaits) {
  DumpBuilder dump;
  const SiteId at = dump.At("app/lock.cc", 5);
  dump.Add(Made(3, at));
  for (Id i = 0; i < kMany; ++i) {
    dump.Add(Lock(10 + i, 10 + i, at));
    dump.Add(i + 1 == kMany ? Receiver(10 + i, 3, at)
                            : Waiter(10 + i, WaitKind::kMutexLock, 11 + i, at));
  }
  const Reports r = Look(dump.End());
  EXPECT_EQ(Only(r.analysis, "lock-chan-cycle").task_count(), kMany);
}

TEST(Scale, ManyReadersOfOneLock) {
  constexpr Id kReaders = kMany / 5;  // each of them is a finding of its own
  DumpBuilder dump;
  const SiteId at = dump.At("app/lock.cc", 5);
  Sync sync = Lock(5, 0, at);
  sync.kind = SyncKind::kRwMutex;
  sync.readers = kReaders;
  sync.waiters = kReaders;
  dump.Add(sync);
  dump.Add(Made(3, at));
  for (Id i = 0; i < kReaders; ++i) {
    TaskSpec reader = Receiver(10 + i, 3, at);
    reader.held = {{5, at, true}};
    dump.Add(reader);
    dump.Add(Waiter(10 + kReaders + i, WaitKind::kRwMutexLock, 5, at));
  }
  const Reports r = Look(dump.End());
  EXPECT_EQ(r.analysis.summary.stranded, 2 * kReaders);
}

// A server whose tasks spawn their successors, and wait groups that count them.
TEST(Scale, ALongAncestry) {
  DumpBuilder dump;
  dump.Add(Busy());
  const SiteId at = dump.At("app/chain.cc", 5);
  Sync group;
  group.id = 5;
  group.kind = SyncKind::kWaitGroup;
  group.counter = 1;
  group.site = at;
  group.last_add = LastBy(11, at);
  dump.Add(group);
  for (Id i = 0; i < kMany; ++i) {
    TaskSpec task = i + 1 == kMany ? InState(10 + i, TaskState::kRunning)
                                   : Waiter(10 + i, WaitKind::kWaitGroupWait, 5, at);
    task.task.spawn = 10 + i;
    dump.Add(Spawned(10 + i, 10 + i, 9 + i, at));
    dump.Add(task);
  }
  const Reports r = Look(dump.End());
  EXPECT_EQ(r.analysis.summary.stranded, 0u);  // the last of them may still serve them all
}

TEST(Scale, DeepScopes) {
  DumpBuilder dump;
  const SiteId at = dump.At("app/scope.cc", 5);
  dump.Add(Made(3, at));
  for (Id i = 1; i <= kMany; ++i) {
    Scope scope;
    scope.id = i;
    scope.parent = i - 1;
    scope.ended = i == 1;
    dump.Add(scope);
    TaskSpec task = Receiver(10 + i, 3, at);
    task.task.scope = i;
    dump.Add(task);
  }
  AnalysisOptions options;
  options.scope = 1;
  EXPECT_EQ(Look(dump.End(), options).analysis.summary.stranded, kMany);
}

}  // namespace
}  // namespace stranded::detector
