// What makes a channel or a context one task's own, and two tasks with their own alike.
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "tests/detector/batch_rows.h"

namespace stranded::detector {
namespace {

constexpr Id kBackground = 1, kModelContext = 2, kModelChannel = 3, kModel = 10, kRuns = 90;
constexpr Id kFirst = 11, kLast = 22;  // tasks that are rows
constexpr Id kOdd = 15, kOther = 16;
constexpr std::size_t kRows = kLast - kFirst + 1;

Id ChannelOf(Id task) { return 100 + task; }
Id ContextOf(Id task) { return 200 + task; }
Id HandlerOf(Id task) { return 300 + task; }  // and its spawn node

// Twelve tasks that send on a channel of their own, each with an ended context of its own.
struct Pieces {
  stranded::detector::Context context;  // their models
  Channel channel;
  std::vector<RowSpec> tasks;
  std::vector<ObjectSpec<Channel>> channels;
  std::vector<ObjectSpec<stranded::detector::Context>> contexts;
  std::vector<ObjectSpec<SpawnNode>> nodes;
  std::function<void(DumpBuilder&)> more = [](DumpBuilder&) {};  // packets

  Pieces() {
    context = Ended(kModelContext, 1);
    context.parent = kBackground;
    context.ended_by_task = 0;
    context.world = 1;
    channel.id = kModelChannel;
    channel.site = 1;
    channel.sends_started = channel.waiting_senders = 1;
    channel.last_sender = LastOn(kModel, 1, PeerOutcome::kWaiting);
    channel.last_receiver.outcome = PeerOutcome::kLeft;
    for (Id task = kFirst; task <= kLast; ++task) {
      tasks.push_back({.like = kModel, .id = task, .context = ContextOf(task), .objects = {}});
      tasks.back().objects = {ChannelOf(task)};
      channels.push_back({kModelChannel, channel});
      channels.back().object.id = ChannelOf(task);
      channels.back().object.last_sender.task = task;
      contexts.push_back({kModelContext, context});
      contexts.back().object.id = contexts.back().object.ended_origin = ContextOf(task);
    }
  }
  RowSpec& task(Id id) { return tasks[id - kFirst]; }
  Channel& channel_of(Id task) { return channels[task - kFirst].object; }
  stranded::detector::Context& context_of(Id task) { return contexts[task - kFirst].object; }

  // Each was started by a task that has finished since, and that made what is its own.
  void AddHandlers() {
    for (Id task = kFirst; task <= kLast; ++task) {
      const Id handler = HandlerOf(task);
      nodes.push_back({kModel, Spawned(handler, handler, kRuns)});
      this->task(task).parent = handler;
      channel_of(task).creator_task = channel_of(task).last_receiver.task = handler;
      channel_of(task).last_receiver.left_context = ContextOf(task);
      context_of(task).creator_task = context_of(task).ended_by_task = handler;
    }
  }
  SpawnNode& node_of(Id task) { return nodes[task - kFirst].object; }

  std::string Bytes() const {
    DumpBuilder dump;
    const SiteId at = dump.At("a.cc", 5);
    World world;
    world.id = 1;
    world.running = 1;
    stranded::detector::Context root;
    root.id = kBackground;
    root.kind = ContextKind::kBackground;
    dump.Add(world).Add(root).Add(context).Add(channel);
    dump.Add(Spawned(kModel, kModel, 0, at)).Add(Spawned(kRuns, kRuns, 0, at));
    TaskSpec model = Sender(kModel, kModelChannel, at);
    model.task.spawn = kModel;
    model.task.context = kModelContext;
    TaskSpec runs = InState(kRuns, TaskState::kRunning);
    runs.task.spawn = kRuns;
    dump.Add(model).Add(runs);
    more(dump);
    AddRows(dump, tasks);
    AddRows(dump, nodes);
    AddRows(dump, channels);
    AddRows(dump, contexts);
    return dump.End().bytes();
  }
};

// How many tasks the largest crowd has.
std::size_t Alike(const std::function<void(Pieces&)>& change) {
  Pieces pieces;
  change(pieces);
  const std::string bytes = pieces.Bytes();
  const AnalysisOptions options;
  ExpectTheSame(bytes, options);
  const auto dump = ReadMerged(bytes, options);
  EXPECT_EQ(dump->damage.packets_bad, 0u);
  const Snapshot& s = dump->snapshots.back();
  std::size_t most = 0;
  for (const TaskCrowd& crowd : s.crowds) most = std::max(most, crowd.count);
  // Who is not in the tables is counted.
  EXPECT_EQ(s.channels.size() + s.channels_merged, kRows + 1);
  EXPECT_GE(s.contexts.size() + s.contexts_merged, kRows + 2);
  for (const Channel& c : s.channels.all()) EXPECT_TRUE(c.crowd == 0 || s.CountOf(c) > 1);
  return most;
}

using Change = std::function<void(Pieces&)>;

TEST(PrivateObjects, OfAllThatAreAlikeOneIsThere) {
  const std::string bytes = Pieces().Bytes();
  const auto dump = ReadMerged(bytes, {});
  const Snapshot& s = dump->snapshots.back();
  EXPECT_EQ(Alike([](Pieces&) {}), kRows);
  EXPECT_EQ(s.channels_merged, kRows - 1);
  EXPECT_EQ(s.contexts_merged, kRows - 1);
  // The one with the smallest id, with its own.
  EXPECT_NE(s.channels.Find(ChannelOf(kFirst)), nullptr);
  EXPECT_NE(s.contexts.Find(ContextOf(kFirst)), nullptr);
  EXPECT_EQ(s.CountOf(*s.channels.Find(ChannelOf(kFirst))), kRows);
  EXPECT_EQ(s.channels.Find(ChannelOf(kLast)), nullptr);
}

TEST(PrivateObjects, TheirIdsAndTheOrderOfRowsDoNotCount) {
  EXPECT_EQ(Alike([](Pieces& p) {
              std::reverse(p.tasks.begin(), p.tasks.end());
              std::rotate(p.channels.begin(), p.channels.begin() + 5, p.channels.end());
            }),
            kRows);
  EXPECT_EQ(Alike([](Pieces& p) {
              for (auto& spec : p.channels) {
                spec.object.created_ns = kNow - static_cast<std::int64_t>(spec.object.id) * kSecond;
                spec.object.last_sender.at_ns = spec.object.created_ns + 1;
              }
              for (auto& spec : p.contexts) spec.object.created_ns = kNow - 700 * kSecond;
              p.context_of(kOdd).ended_ns = kNow - 9 * kSecond;
            }),
            kRows);
}

// One that differs in a fact that rules may look at.
TEST(PrivateObjects, WhoDiffersStaysAlone) {
  const std::vector<Change> changes = {
      [](Pieces& p) { p.channel_of(kOdd).creator_task = kRuns; },
      [](Pieces& p) { p.channel_of(kOdd).creator_task = kOdd; },
      [](Pieces& p) { p.channel_of(kOdd).closed_by_task = kRuns; },
      [](Pieces& p) { p.channel_of(kOdd).closed_ns = kNow - 1; },
      [](Pieces& p) { p.channel_of(kOdd).last_sender.task = kRuns; },
      [](Pieces& p) { p.channel_of(kOdd).last_receiver.task = kRuns; },
      [](Pieces& p) { p.channel_of(kOdd).last_receiver.at_ns = kNow - 1; },
      [](Pieces& p) { p.channel_of(kOdd).last_receiver.left_context = kModelContext; },
      [](Pieces& p) { p.channel_of(kOdd).last_receiver.left_context = ContextOf(kOdd); },
      [](Pieces& p) { p.channel_of(kOdd).last_receiver.left_channel = ChannelOf(kOdd); },
      [](Pieces& p) { p.channel_of(kOdd).context = ContextOf(kOdd); },
      [](Pieces& p) { p.context_of(kOdd).parent = kModelContext; },
      [](Pieces& p) { p.context_of(kOdd).creator_task = kOdd; },
      [](Pieces& p) { p.context_of(kOdd).ended_by_task = kOdd; },
      [](Pieces& p) { p.context_of(kOdd).ended_by_task = kRuns; },
      [](Pieces& p) { p.context_of(kOdd).ended_ns = kNow - 1; },
      [](Pieces& p) { p.context_of(kOdd).ended_ns = kNow - 50 * kSecond; },
      [](Pieces& p) { p.context_of(kOdd).deadline_ns = kNow + kSecond; },
      [](Pieces& p) { p.context_of(kOdd).ended_origin = kModelContext; },
      [](Pieces& p) { p.context_of(kOdd).done_channel = ChannelOf(kOdd); },
      [](Pieces& p) { p.task(kOdd).since_ns = kNow - 1; },
      [](Pieces& p) {
        for (RowSpec& row : p.tasks) row.since_ns = kNow - 6 * kSecond;
        p.task(kOdd).since_ns = kNow - 4 * kSecond;  // after the end of its context
      },
      [](Pieces& p) { p.task(kOdd).parent = kModel; },
      [](Pieces& p) { p.task(kOdd).group = 5; },
  };
  for (std::size_t i = 0; i < changes.size(); ++i) {
    SCOPED_TRACE("change " + std::to_string(i));
    EXPECT_EQ(Alike(changes[i]), kRows - 1);
  }
}

// Somebody else names the task, its channel or its context.
TEST(PrivateObjects, WhatIsNamedFromOutsideIsNobodysOwn) {
  const auto packet = [](auto object) {
    return [object](Pieces& p) { p.more = [object](DumpBuilder& dump) { dump.Add(object); }; };
  };
  TaskSpec sends = Sender(50, ChannelOf(kOdd), 1), is_in = Receiver(51, kModelChannel, 1);
  is_in.task.context = ContextOf(kOdd);
  const TaskSpec listens = InSelect(52, 1, {{CaseOp::kDone, 0, ContextOf(kOdd), 1}});
  stranded::detector::Context below = Ended(60, 1), names = Ended(61, 1);
  below.parent = ContextOf(kOdd);
  names.creator_task = kOdd;
  Timer ends, ticks;
  ends.kind = TimerKind::kContext;
  ends.object = ContextOf(kOdd);
  ticks.kind = TimerKind::kChannel;
  ticks.object = ChannelOf(kOdd);
  SpawnNode of_it = Spawned(70, kOdd, 0);
  const std::vector<Change> changes = {packet(sends), packet(is_in), packet(listens),
                                       packet(below), packet(names), packet(ends),
                                       packet(ticks), packet(of_it)};
  for (std::size_t i = 0; i < changes.size(); ++i) {
    SCOPED_TRACE("change " + std::to_string(i));
    EXPECT_EQ(Alike(changes[i]), kRows - 1);
  }
}

TEST(PrivateObjects, WhatTwoTasksNameIsNobodysOwn) {
  const std::vector<Change> changes = {
      [](Pieces& p) { p.task(kOdd).objects = {ChannelOf(kOther)}; },
      [](Pieces& p) { p.task(kOdd).context = ContextOf(kOther); },
      [](Pieces& p) { p.channel_of(kOdd).last_receiver.left_channel = ChannelOf(kOther); },
      [](Pieces& p) { p.channel_of(kOdd).last_receiver.left_context = ContextOf(kOther); },
      [](Pieces& p) { p.channel_of(kOdd).last_receiver.task = kOther; },
      [](Pieces& p) { p.context_of(kOdd).parent = ContextOf(kOther); },
      [](Pieces& p) { p.context_of(kOdd).ended_origin = ContextOf(kOther); },
      [](Pieces& p) { p.context_of(kOdd).done_channel = ChannelOf(kOther); },
      [](Pieces& p) { p.context_of(kOdd).ended_by_task = kOther; },
  };
  for (std::size_t i = 0; i < changes.size(); ++i) {
    SCOPED_TRACE("change " + std::to_string(i));
    EXPECT_EQ(Alike(changes[i]), kRows - 2);
  }
}

// Contexts that rules look at one by one, and those of another clock.
TEST(PrivateObjects, SomeContextsAreNobodysOwn) {
  const std::vector<Change> changes = {
      [](Pieces& p) {
        p.context.err = ContextErr::kNone;
        p.context.cancel_lost = p.context.has_cancel_func = true;
      },
      [](Pieces& p) { p.context.has_after_func = true; },
      [](Pieces& p) { p.context.world = 2; },
  };
  for (std::size_t i = 0; i < changes.size(); ++i) {
    SCOPED_TRACE("change " + std::to_string(i));
    EXPECT_EQ(Alike(changes[i]), 0u);
  }
}

TEST(PrivateObjects, ATaskThatHasGoneCanBeOnesOwn) {
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

// A context and a channel that a task made for itself, and that it does not wait for.
TEST(PrivateObjects, WhatATaskMadeIsItsOwn) {
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

TEST(PrivateObjects, HandlersThatDiffer) {
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

// Its model has a packet, and that task's node is a row.
TEST(PrivateObjects, TheNodeOfAPacketMayBeARow) {
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

// A chain of contexts that is one task's own, with a Done channel.
TEST(PrivateObjects, WhatOwnObjectsNameIsOwnToo) {
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

// An object that has a packet is no row, and of two rows with one id the first one counts.
TEST(PrivateObjects, AnIdIsThatOfOneObject) {
  const auto bytes = [](bool packet) {
    Pieces p;
    Channel again = p.channel_of(kOdd);
    again.creator_task = kRuns;
    if (packet) {
      p.more = [again](DumpBuilder& dump) { dump.Add(again); };
    } else {
      p.channels.insert(p.channels.begin(), {kModelChannel, again});
    }
    return p.Bytes();
  };
  for (const bool packet : {false, true}) {
    ExpectTheSame(bytes(packet));
    const auto dump = ReadEach(bytes(packet));
    const Snapshot& s = dump->snapshots.back();
    EXPECT_EQ(s.channels.Find(ChannelOf(kOdd))->creator_task, kRuns);
    EXPECT_EQ(s.channels.size(), kRows + 1);
  }
}

// What comes before it is read.
TEST(PrivateObjects, ARowWithoutAModelIsDamage) {
  for (const Id like : {Id{999}, ChannelOf(kFirst)}) {
    Pieces p;
    p.channels[kOdd - kFirst].like = like;
    const std::string bytes = p.Bytes();
    ExpectTheSame(bytes);
    for (const auto& dump : {ReadEach(bytes), ReadMerged(bytes, {})}) {
      EXPECT_EQ(dump->damage.packets_bad, 1u);
      EXPECT_EQ(dump->snapshots.back().channels.Find(ChannelOf(kOdd)), nullptr);
    }
    EXPECT_NE(ReadEach(bytes)->snapshots.back().channels.Find(ChannelOf(kOdd - 1)), nullptr);
  }
}

}  // namespace
}  // namespace stranded::detector
