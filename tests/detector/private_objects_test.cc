// What makes a channel or a context one task's own, and two tasks with their own alike.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "tests/detector/pieces.h"

namespace stranded::detector {
namespace {

using namespace pieces;  // NOLINT(build/namespaces): what these tests are about

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

// They differ from those without, and when they are due is nothing that rules ask.
// A context and a channel that a task made for itself, and that it does not wait for.
// Its model has a packet, and that task's node is a row.
// A chain of contexts that is one task's own, with a Done channel.
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

// Only a damaged dump has such: then each is read, and the last one counts.
TEST(PrivateObjects, ATaskIsNotCountedTwice) {
  Pieces p;
  p.tasks.push_back(p.task(kOdd));
  p.tasks.back().context = ContextOf(kOther);
  const std::string bytes = p.Bytes();
  ExpectTheSame(bytes);
  EXPECT_EQ(ReadMerged(bytes, {})->snapshots.back().crowds.size(), 0u);
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
