// Twelve tasks that are alike, each with objects of its own: what tests change of one of them.
#ifndef STRANDED_TESTS_DETECTOR_PIECES_H_
#define STRANDED_TESTS_DETECTOR_PIECES_H_

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <string>
#include <vector>

#include "tests/detector/batch_rows.h"

// In a namespace of its own: the names are short.
namespace stranded::detector::pieces {

inline constexpr Id kBackground = 1, kModelContext = 2, kModelChannel = 3, kModel = 10, kRuns = 90;
inline constexpr Id kFirst = 11, kLast = 22;  // tasks that are rows
inline constexpr Id kOdd = 15, kOther = 16;
inline constexpr std::size_t kRows = kLast - kFirst + 1;

inline Id ChannelOf(Id task) { return 100 + task; }
inline Id ContextOf(Id task) { return 200 + task; }
inline Id HandlerOf(Id task) { return 300 + task; }  // and its spawn node

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
inline std::size_t Alike(const std::function<void(Pieces&)>& change) {
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

}  // namespace stranded::detector::pieces

#endif  // STRANDED_TESTS_DETECTOR_PIECES_H_
