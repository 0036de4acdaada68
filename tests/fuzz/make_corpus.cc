// Writes the seeds of the fuzzers of dumps and trace files: make_corpus DIRECTORY
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <protozero/pbf_builder.hpp>
#include <string>
#include <utility>
#include <vector>

#include "stranded/dump_format.h"
#include "tests/detector/batch_rows.h"
#include "tests/detector/dump_builder.h"
#include "tests/detector/mapped_builder.h"

namespace stranded::detector {
namespace {

bool Save(const std::string& path, const DumpBuilder& dump) {
  std::ofstream out(path, std::ios::binary);
  out << dump.bytes();
  return out.good();
}

DumpBuilder Senders() {
  DumpBuilder dump;
  const SiteId at = dump.At("a.cc", 5);
  Channel channel;
  channel.id = 3;
  channel.site = at;
  channel.elem_type = "int";
  channel.waiting_senders = channel.sends_started = 2;
  channel.last_receiver = LastOn(1, at, PeerOutcome::kLeft);
  channel.last_receiver.left_op = CaseOp::kDone;
  channel.last_receiver.left_context = 5;
  dump.Add(Ended(5, at)).Add(channel);
  for (Id id = 7; id < 9; ++id) {
    TaskSpec task = Sender(id, 3, at);
    task.task.context = 5;
    task.task.spawn = 70;
    task.frames = {0x1000, 0x2000};
    dump.Add(task);
  }
  return dump.Add(Spawned(70, 7, 0, at)).End();
}

DumpBuilder Locks() {
  DumpBuilder dump;
  const SiteId at = dump.At("b.cc", 6);
  for (Id id = 2; id < 4; ++id) {
    Sync sync;
    sync.id = id;
    sync.kind = id == 2 ? SyncKind::kMutex : SyncKind::kRwMutex;
    sync.holder_task = id == 2 ? 7 : 0;
    sync.readers = id == 2 ? 0 : 1;
    sync.waiters = 1;
    dump.Add(sync);
  }
  TaskSpec reader = Waiter(8, WaitKind::kMutexLock, 2, at);
  reader.held = {{3, at, true}};
  Scope scope;
  scope.id = 4;
  scope.ended = true;
  reader.task.scope = 4;
  return dump.Add(scope).Add(reader).Add(Waiter(7, WaitKind::kRwMutexLock, 3, at)).End();
}

DumpBuilder Selects() {
  DumpBuilder dump;
  dump.Add(Busy());
  const SiteId at = dump.At("c.cc", 7);
  Context lost;
  lost.id = 6;
  lost.kind = ContextKind::kTimeout;
  lost.has_cancel_func = lost.cancel_lost = lost.timer_pending = true;
  Timer timer;
  timer.kind = TimerKind::kContext;
  timer.object = 6;
  dump.Add(lost).Add(timer);
  dump.Add(InSelect(7, at, {{CaseOp::kRecv, 0, 0, at}, {CaseOp::kDone, 0, 6, at}}));
  return dump.Add(InState(8, TaskState::kSleeping)).End();
}

// Two tasks of their own, and a batch with two more of each kind.
DumpBuilder Crowd() {
  using Tag = dump::TaskBatchTag;
  using Ints = std::vector<std::int64_t>;
  DumpBuilder dump;
  const SiteId at = dump.At("d.cc", 8);
  dump.Add(Ended(6, at));
  TaskSpec chooser = InSelect(7, at, {{CaseOp::kRecv, 3, 0, at}, {CaseOp::kDone, 0, 6, at}});
  TaskSpec joiner = Waiter(8, WaitKind::kJoin, 0, at);
  chooser.task.spawn = 70;
  joiner.task.spawn = 71;
  joiner.task.join_task = 7;
  dump.Add(Spawned(70, 7, 0, at)).Add(Spawned(71, 8, 0, at)).Add(chooser).Add(joiner);
  std::string columns, packet;
  protozero::pbf_builder<Tag> batch(columns);
  batch.add_uint32(Tag::kCount, 4);
  for (const auto& [tag, values] : {std::pair<Tag, Ints>{Tag::kLike, {7, 1, -1, 1}},
                                    {Tag::kId, {9, 1, 1, 1}},
                                    {Tag::kSpawn, {72, 1, 1, 1}},
                                    {Tag::kParent, {70, 0, 0, 0}},
                                    {Tag::kContext, {6, 0, 0, 0}},
                                    {Tag::kCreatedNs, {kSecond, 5, 5, 5}},
                                    {Tag::kSinceNs, {kNow - kSecond, 5, 5, 5}},
                                    {Tag::kParkCount, {1, 0, 0, 0}},
                                    {Tag::kObjects, {3, 0, 6, 6, 1, 1, 0, -5}}}) {
    batch.add_packed_sint64(tag, values.begin(), values.end());
  }
  protozero::pbf_builder<dump::PacketTag> outer(packet);
  outer.add_message(dump::PacketTag::kTaskBatch, columns);
  return dump.Raw(packet).End();
}

// Three tasks, each with a channel and a context of its own, as rows.
DumpBuilder Requests() {
  DumpBuilder dump;
  const SiteId at = dump.At("e.cc", 9);
  Channel channel;
  channel.id = 3;
  channel.site = at;
  channel.elem_type = "int";
  channel.waiting_senders = channel.sends_started = 1;
  channel.last_sender = LastOn(7, at, PeerOutcome::kWaiting);
  channel.last_receiver = LastOn(1, at, PeerOutcome::kLeft);
  TaskSpec sender = Sender(7, 3, at);
  sender.task.spawn = 7;
  sender.task.context = 6;
  dump.Add(Ended(6, at)).Add(channel).Add(Spawned(7, 7, 0, at)).Add(sender);
  std::vector<RowSpec> tasks;
  std::vector<ObjectSpec<Channel>> channels;
  std::vector<ObjectSpec<Context>> contexts;
  for (Id id = 8; id < 11; ++id) {
    tasks.push_back({.like = 7, .id = id, .context = id + 20, .objects = {id + 10}});
    channel.id = id + 10;
    channel.last_sender.task = id;
    channel.last_receiver.left_context = id + 20;
    channels.push_back({3, channel});
    contexts.push_back({6, Ended(id + 20, at)});
  }
  AddRows(dump, tasks);
  AddRows(dump, channels);
  AddRows(dump, contexts);
  return dump.End();
}

bool Save(const std::string& path, const MappedBuilder& file) {
  std::ofstream out(path, std::ios::binary);
  out << file.bytes();
  return out.good();
}

// A sender, a select and two tasks that wait for each other's locks, with some events.
MappedBuilder Trace() {
  MappedBuilder file;
  const std::uint64_t site = file.At("d.cc", 8);
  mapped::Task& sender = file.Parked(7, 1, site);
  sender.context = 3;
  MappedBuilder::Offer(sender, 2, 4);
  mapped::Task& select = file.Parked(8, 5, site);
  MappedBuilder::Offer(select, 1, 4);
  MappedBuilder::Offer(select, 3, 3);
  mapped::Context context;
  context.state = mapped::kLive;
  context.kind = 3;
  context.err = 1;
  context.id = context.ended_origin = 3;
  context.site = context.ended_site = site;
  context.ended_ns = MappedBuilder::kStart + 2 * MappedBuilder::kSecond;
  file.contexts.push_back(context);
  mapped::Channel channel;
  channel.state = mapped::kLive;
  channel.id = 4;
  channel.site = site;
  channel.type = file.Type("int");
  channel.last_receiver.outcome = 3;
  channel.last_receiver.task = 8;
  file.channels.push_back(channel);
  for (std::uint64_t i = 0; i < 2; ++i) {
    file.Parked(9 + i, 8, site).object = 20 + i;
    mapped::Sync sync;
    sync.state = mapped::kLive;
    sync.kind = 1;
    sync.id = 20 + i;
    sync.holder = 10 - i;
    file.syncs.push_back(sync);
  }
  for (std::uint64_t n = 0; n < 8; ++n) {
    file.events.push_back({(n % 3 * 5 + 1) << mapped::kKindShift | 7, n, site, n});
  }
  file.recorded = 20;
  return file;
}

}  // namespace
}  // namespace stranded::detector

int main(int argc, char** argv) {
  using namespace stranded::detector;  // NOLINT(build/namespaces)
  if (argc != 2) {
    std::fputs("usage: make_corpus DIRECTORY\n", stderr);
    return 2;
  }
  const std::string directory = argv[1];
  const bool saved =
      Save(directory + "/dump/senders", Senders()) && Save(directory + "/dump/locks", Locks()) &&
      Save(directory + "/dump/selects", Selects()) && Save(directory + "/dump/crowd", Crowd()) &&
      Save(directory + "/dump/requests", Requests()) && Save(directory + "/mapped/trace", Trace());
  if (!saved)
    std::fprintf(stderr, "make_corpus: cannot write to dump/ and mapped/ in '%s'\n", argv[1]);
  return saved ? 0 : 1;
}
