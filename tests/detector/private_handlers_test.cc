// What else is one task's own: who started it and has gone, what it made, chains and timers.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "tests/detector/pieces.h"

namespace stranded::detector {
namespace {

using namespace pieces;  // NOLINT(build/namespaces): what these tests are about

TEST(PrivateHandlers, ATaskThatHasGoneCanBeOnesOwn) {
  Pieces pieces;
  pieces.AddHandlers();
  const auto dump = ReadMerged(pieces.Bytes(), {});
  const Snapshot& s = dump->snapshots.back();
  EXPECT_NE(s.spawns.Find(HandlerOf(kFirst)), nullptr);
  EXPECT_EQ(s.spawns.Find(HandlerOf(kLast)), nullptr);
  EXPECT_EQ(Alike([](Pieces& p) { p.AddHandlers(); }), kRows);
  EXPECT_EQ(Alike([](Pieces& p) {  // and whoever started that
              p.AddHandlers();
              for (Id task = kFirst; task <= kLast; ++task) {
                p.nodes.push_back({kModel, Spawned(400 + task, 400 + task, kRuns)});
                p.node_of(task).parent = 400 + task;
              }
            }),
            kRows);
}

TEST(PrivateHandlers, ContextsWithTimersAreAlike) {
  const auto pending = [](Pieces& p) {
    p.context.err = ContextErr::kNone;
    p.context.kind = ContextKind::kTimeout;
    p.context.timer_pending = true;
    for (auto& spec : p.contexts) {
      spec.object.ended_ns = 0;
      spec.object.ended_origin = 0;
      spec.object.deadline_ns = kNow + kSecond;
    }
  };
  const auto timers = [](Id but) {
    return [but](DumpBuilder& dump) {
      for (Id task = kFirst; task <= kLast; ++task) {
        Timer timer;
        timer.kind = TimerKind::kContext;
        timer.object = ContextOf(task);
        timer.world = 1;
        timer.due_ns = kNow + static_cast<std::int64_t>(task) * kSecond;
        if (task != but) dump.Add(timer);
      }
    };
  };
  for (const Id but : {Id{0}, kOdd}) {
    EXPECT_EQ(Alike([&](Pieces& p) {
                pending(p);
                p.more = timers(but);
              }),
              but == 0 ? kRows : kRows - 1);
  }
}

TEST(PrivateHandlers, WhatATaskMadeIsItsOwn) {
  const auto made = [](Pieces& p) {
    for (Id task = kFirst; task <= kLast; ++task) {
      stranded::detector::Context upper = p.context, lower = p.context;
      upper.id = upper.ended_origin = 500 + task;
      lower.id = 600 + task;
      lower.parent = lower.ended_origin = upper.id;
      upper.creator_task = lower.creator_task = task;
      p.contexts.push_back({kModelContext, upper});
      p.contexts.push_back({kModelContext, lower});
      Channel channel = p.channel;
      channel.id = 700 + task;
      channel.creator_task = task;
      channel.last_sender.task = 0;
      p.channels.push_back({kModelChannel, channel});
    }
  };
  const auto alike = [&](const Change& change) {
    Pieces pieces;
    made(pieces);
    change(pieces);
    const std::string bytes = pieces.Bytes();
    ExpectTheSame(bytes);
    const auto dump = ReadMerged(bytes, {});
    std::size_t most = 0;
    for (const TaskCrowd& c : dump->snapshots.back().crowds) most = std::max(most, c.count);
    return most;
  };
  const std::size_t upper = kRows + 2 * (kOdd - kFirst), lower = upper + 1;
  EXPECT_EQ(alike([](Pieces&) {}), kRows);
  const std::vector<std::pair<std::size_t, Change>> changes = {
      {1, [&](Pieces& p) { p.contexts[lower].object.creator_task = kRuns; }},
      {1, [&](Pieces& p) { p.contexts[lower].object.parent = kBackground; }},
      {1, [&](Pieces& p) { p.contexts[upper].object.ended_ns = kNow - 1; }},
      {1, [&](Pieces& p) { p.channels[kRows + kOdd - kFirst].object.creator_task = 0; }},
      {1, [&](Pieces& p) { p.channels[kRows + kOdd - kFirst].object.last_sender.task = kOdd; }},
      {2, [&](Pieces& p) { p.contexts[lower].object.creator_task = kOther; }},
      {2, [&](Pieces& p) { p.channels[kRows + kOdd - kFirst].object.last_sender.task = kOther; }},
      {2, [&](Pieces& p) { p.channels[kRows + kOdd - kFirst].object.creator_task = kOther; }},
  };
  for (std::size_t i = 0; i < changes.size(); ++i) {
    SCOPED_TRACE("change " + std::to_string(i));
    EXPECT_EQ(alike(changes[i].second), kRows - changes[i].first);
  }
}

TEST(PrivateHandlers, HandlersThatDiffer) {
  const auto packet = [](auto object) {
    return [object](Pieces& p) { p.more = [object](DumpBuilder& dump) { dump.Add(object); }; };
  };
  TaskSpec finished = InState(HandlerOf(kOdd), TaskState::kFinished);
  finished.task.spawn = HandlerOf(kOdd);
  TaskSpec joins = Waiter(50, WaitKind::kJoin, 0, 1);
  joins.task.join_task = HandlerOf(kOdd);
  stranded::detector::Context made = Ended(60, 1);
  made.creator_task = HandlerOf(kOdd);
  Sync sync;
  sync.id = 5;
  sync.holder_task = HandlerOf(kOdd);
  Scope scope;
  scope.id = 6;
  scope.task = HandlerOf(kOdd);
  const std::vector<std::pair<std::size_t, Change>> changes = {
      {1, packet(finished)},
      {1, packet(joins)},
      {1, packet(made)},
      {1, packet(sync)},
      {1, packet(scope)},
      {1, packet(Spawned(70, 70, HandlerOf(kOdd)))},
      {1, [](Pieces& p) { p.node_of(kOdd).parent = kModel; }},
      {1, [](Pieces& p) { p.node_of(kOdd).task = kRuns; }},
      {1, [](Pieces& p) { p.channel_of(kOdd).creator_task = 0; }},
      {1, [](Pieces& p) { p.channel_of(kOdd).creator_task = kOdd; }},
      {1, [](Pieces& p) { p.channel_of(kOdd).creator_task = 999; }},
      {2, [](Pieces& p) { p.channel_of(kOdd).creator_task = HandlerOf(kOther); }},
      {2, [](Pieces& p) { p.task(kOdd).parent = HandlerOf(kOther); }},
      {2, [](Pieces& p) { p.node_of(kOdd).parent = HandlerOf(kOther); }},
      {2, [](Pieces& p) { p.node_of(kOdd).task = kOther; }},
  };
  for (std::size_t i = 0; i < changes.size(); ++i) {
    SCOPED_TRACE("change " + std::to_string(i));
    const auto both = [&](Pieces& p) {
      p.AddHandlers();
      changes[i].second(p);
    };
    EXPECT_EQ(Alike(both), kRows - changes[i].first);
  }
}

TEST(PrivateHandlers, TheNodeOfAPacketMayBeARow) {
  const auto change = [](Pieces& p) {
    p.AddHandlers();
    p.more = [](DumpBuilder& dump) {
      TaskSpec other = Sender(80, kModelChannel, 1);
      other.task.spawn = 80;
      other.task.context = kModelContext;
      dump.Add(other);
    };
    p.nodes.push_back({kModel, Spawned(80, 80, kRuns)});
    for (RowSpec& row : p.tasks) row.like = 80;
  };
  EXPECT_EQ(Alike(change), kRows);
}

TEST(PrivateHandlers, WhatOwnObjectsNameIsOwnToo) {
  const Id above = 100;  // more
  const auto chain = [&](Pieces& p) {
    for (Id task = kFirst; task <= kLast; ++task) {
      stranded::detector::Context upper = p.context;
      upper.id = upper.ended_origin = ContextOf(task) + above;
      p.contexts.push_back({kModelContext, upper});
      p.context_of(task).parent = p.context_of(task).ended_origin = upper.id;
    }
  };
  EXPECT_EQ(Alike(chain), kRows);
  EXPECT_EQ(Alike([&](Pieces& p) {  // two tasks below one
              chain(p);
              p.context_of(kOdd).parent = ContextOf(kOther) + above;
            }),
            kRows - 2);
}

}  // namespace
}  // namespace stranded::detector
