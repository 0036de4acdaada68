// Tasks that are alike go into batches: the detector reads the same as from packets of their own.
#include <gtest/gtest.h>
#include <stranded/channel.h>
#include <stranded/context.h>
#include <stranded/dump.h>
#include <stranded/dump_reader.h>
#include <stranded/select.h>
#include <stranded/sync.h>
#include <stranded/task.h>

#include <algorithm>
#include <memory>
#include <string>
#include <thread>
#include <tuple>
#include <vector>

#include "detector/model/snapshot.h"

namespace stranded::detector {
namespace {

constexpr int kEach = 40;

std::shared_ptr<const Dump> Capture(int stacks_per_site) {
  DumpOptions options;
  options.stacks_per_site = stacks_per_site;  // so many of a shape are written alone
  auto dump = ReadDump(CaptureDump(options), "test");
  EXPECT_TRUE(dump.ok()) << dump.status();
  return dump.ok() ? *dump : nullptr;
}

std::size_t Blocked(const Dump& dump) {
  std::size_t count = 0;
  for (const Task& t : dump.snapshots.back().tasks.all()) count += t.state == TaskState::kBlocked;
  return count;
}

std::string Text(const Dump& dump, SiteId id) {
  const Site& site = dump.SiteOf(id);
  return std::string(site.file) + ":" + std::to_string(site.line);
}

// All that a task says of itself but its stack; in words, so that a difference can be read.
std::string Describe(const Dump& dump, const Task& t) {
  const Snapshot& s = dump.snapshots.back();
  const SpawnNode* spawn = s.spawns.Find(t.spawn);
  std::string text = std::string(t.name) + " state " + std::to_string(static_cast<int>(t.state)) +
                     " wait " + std::to_string(static_cast<int>(t.wait)) + " at " +
                     Text(dump, t.wait_site) + " last " + Text(dump, t.last_site) + " op " +
                     std::to_string(static_cast<int>(t.last_op));
  for (const std::uint64_t number :
       {t.spawn, t.context, t.world, t.scope, static_cast<Id>(t.created_ns),
        static_cast<Id>(t.since_ns), t.park_count, t.sync, t.join_task, t.group, Id{t.daemon},
        Id{t.range}}) {
    text += " " + std::to_string(number);
  }
  for (std::uint32_t i = 0; i < t.case_count; ++i) {
    const WaitCase& c = s.cases[t.first_case + i];
    text += " case " + std::to_string(static_cast<int>(c.op)) + " " + std::to_string(c.channel) +
            " " + std::to_string(c.context) + " at " + Text(dump, c.site);
  }
  if (spawn == nullptr) return text + " without a spawn node";
  return text + " spawned at " + Text(dump, spawn->site) + " as " + std::string(spawn->name) +
         " by " + std::to_string(spawn->parent) + " task " + std::to_string(spawn->task);
}

std::string Describe(const Dump& dump, const Peer& p) {
  std::string text =
      " " + Text(dump, p.site) + " " + Text(dump, p.left_site) + " " + Text(dump, p.left_made);
  for (const std::uint64_t number :
       {p.task, p.left_context, p.left_channel, static_cast<Id>(p.at_ns),
        static_cast<Id>(p.left_ns), static_cast<Id>(p.outcome), static_cast<Id>(p.left_op)}) {
    text += " " + std::to_string(number);
  }
  return text;
}

std::string Describe(const Dump& dump, const Channel& c) {
  std::string text = std::string(c.elem_type) + " made at " + Text(dump, c.site) + " closed at " +
                     Text(dump, c.closed_site);
  for (const std::uint64_t number : {c.closed_by_task,
                                     c.creator_task,
                                     c.context,
                                     c.elem_bytes,
                                     c.capacity,
                                     c.length,
                                     c.high_water,
                                     c.sends_started,
                                     c.sends_completed,
                                     c.recvs_started,
                                     c.recvs_completed,
                                     c.repeat_sends,
                                     Id{c.waiting_senders},
                                     Id{c.waiting_receivers},
                                     Id{c.handles},
                                     Id{c.closed},
                                     Id{c.observed_try},
                                     Id{c.observed_size},
                                     Id{c.timer_armed},
                                     Id{c.timer_stopped},
                                     static_cast<Id>(c.closed_ns),
                                     static_cast<Id>(c.created_ns),
                                     static_cast<Id>(c.role)}) {
    text += " " + std::to_string(number);
  }
  return text + Describe(dump, c.last_sender) + Describe(dump, c.last_receiver);
}

std::string Describe(const Dump& dump, const stranded::detector::Context& c) {
  std::string text = Text(dump, c.site) + " ended at " + Text(dump, c.ended_site) + " " +
                     std::string(c.cause) + " " + std::string(c.key_type) + " " +
                     std::string(c.value_text);
  for (const std::uint64_t number : {c.parent,
                                     c.world,
                                     c.creator_task,
                                     c.ended_by_task,
                                     c.ended_origin,
                                     c.done_channel,
                                     static_cast<Id>(c.created_ns),
                                     static_cast<Id>(c.deadline_ns),
                                     static_cast<Id>(c.ended_ns),
                                     c.value_bytes,
                                     Id{c.live_children},
                                     Id{c.handles},
                                     static_cast<Id>(c.kind),
                                     static_cast<Id>(c.err),
                                     Id{c.has_cancel_func},
                                     Id{c.cancel_called},
                                     Id{c.cancel_lost},
                                     Id{c.value_printable},
                                     Id{c.timer_pending},
                                     Id{c.has_after_func}}) {
    text += " " + std::to_string(number);
  }
  return text;
}

template <class Object>
void ExpectTheSameObjects(const Dump& a, const Table<Object>& objects, const Dump& b,
                          const Table<Object>& others) {
  EXPECT_EQ(objects.size(), others.size());
  for (const Object& object : objects.all()) {
    const Object* same = others.Find(object.id);
    ASSERT_NE(same, nullptr) << object.id;
    EXPECT_EQ(Describe(a, object), Describe(b, *same)) << object.id;
  }
}

bool NobodyRuns(const Dump& dump) {
  const auto& tasks = dump.snapshots.back().tasks.all();
  return std::all_of(tasks.begin(), tasks.end(), [](const Task& t) {
    return t.is_thread || t.state == TaskState::kBlocked || t.state == TaskState::kFinished;
  });
}

struct TraceKey {
  using Value = std::string;
  static constexpr bool kPrintable = true;
};

// Channels and contexts in all states, with several of each.
TEST(ObjectBatch, SaysTheSameAsPacketsOfTheirOwn) {
  Pool pool(PoolOptions{.workers = 1, .name = "crowd"});
  std::vector<Chan<int>> channels;
  std::vector<stranded::Context> contexts;
  std::vector<CancelFunc> live;
  std::vector<CancelCauseFunc> with_cause;
  pool.Go([&] {
        for (int i = 0; i < kEach; ++i) {
          auto [root, cancel] = WithTimeout(Background(), absl::Hours(1 + i));
          auto [inner, stop] = WithCancelCause(root);
          contexts.push_back(WithValue<TraceKey>(root, "request " + std::to_string(i % 3)));
          contexts.push_back(inner);
          contexts.push_back(WithoutCancel(inner));
          if (i % 2 == 0) stop(absl::AbortedError("the peer went away"));
          live.push_back(std::move(cancel));
          with_cause.push_back(std::move(stop));
          (void)inner.Done();
          const Chan<int> buffered = Chan<int>(2), closed, left, empty;
          buffered.Send(1);
          if (i % 3 == 0) buffered.Recv();
          closed.Close();
          (void)left.TrySend(1);
          Go(root, [left, root = root] { Select(OnSend(left, 1, [] {}), OnDone(root, [] {})); });
          Go(inner, [empty, buffered, ctx = inner] {
            Select(OnRecv(empty, [] {}), OnRecv(buffered, [] {}), OnDone(ctx, [] {}));
          });
          for (const Chan<int>& c : {buffered, closed, left, empty}) channels.push_back(c);
          for (int turn = 0; turn < 3; ++turn) this_task::Yield();
        }
      })
      .Join();
  while (!NobodyRuns(*Capture(1))) std::this_thread::yield();
  const auto together = Capture(1), alone = Capture(1000);
  const Snapshot &batched = together->snapshots.back(), &each = alone->snapshots.back();
  EXPECT_EQ(together->damage.packets_bad, 0u);
  EXPECT_LT(together->packets, alone->packets - kEach * 6);
  ExpectTheSameObjects(*together, batched.channels, *alone, each.channels);
  ExpectTheSameObjects(*together, batched.contexts, *alone, each.contexts);
  for (const CancelCauseFunc& stop : with_cause) stop(absl::OkStatus());
  for (const CancelFunc& cancel : live) cancel();
}

TEST(TaskBatch, SaysTheSameAsPacketsOfTheirOwn) {
  Pool pool(PoolOptions{.workers = 1, .name = "crowd"});
  auto [root, cancel] = WithCancel(Background());
  const Chan<Unit> gate;
  WaitGroup group, members;
  group.Add(1);
  std::vector<Chan<int>> own(kEach);
  std::vector<TaskHandle> handles;
  const auto spawn_all = [&, ctx = root] {
    const auto start = [&](const char* name, auto body) {
      SpawnOptions options;
      options.name = name;
      handles.push_back(Go(options, ctx, body));
    };
    for (int i = 0; i < kEach; ++i) {
      const Chan<int> mine = own[static_cast<std::size_t>(i)];
      start("sender", [mine] { mine.Send(1); });
      start("", [&gate] {
        for ([[maybe_unused]] const Unit unit : gate) {
        }
      });
      start("chooser", [&gate] {
        auto [inner, stop] = WithCancel(this_task::GetContext());
        Select(OnRecv(gate, [] {}), OnDone(inner, [] {}));
        stop();
      });
      start("listener", [ctx] { ctx.Done().Recv(); });
      start("patient", [ctx, mine] { (void)Chan<int>().Recv(ctx); });
      start("counter", [&group] { group.Wait(); });
      members.Go([&gate] { gate.Recv(); });
      start("a name that is too long for a batch to hold it", [&gate] { gate.Recv(); });
    }
  };
  pool.Go(spawn_all).Join();
  // Until all have parked, and another look finds them as they were.
  while (Blocked(*Capture(1)) < handles.size() + kEach) std::this_thread::yield();
  const auto together = Capture(1), alone = Capture(1000);
  const Snapshot& batched = together->snapshots.back();
  EXPECT_EQ(together->damage.packets_bad, 0u);
  EXPECT_LT(together->packets, alone->packets - kEach * 6);
  ASSERT_EQ(batched.tasks.size(), alone->snapshots.back().tasks.size());
  for (const Task& task : alone->snapshots.back().tasks.all()) {
    if (task.state != TaskState::kBlocked) continue;
    const Task* same = batched.tasks.Find(task.id);
    ASSERT_NE(same, nullptr) << task.id;
    EXPECT_EQ(Describe(*together, *same), Describe(*alone, task));
  }
  int counted = 0;
  for (const Task& task : batched.tasks.all()) counted += task.group != 0;
  EXPECT_EQ(counted, kEach);
  for (const Chan<int>& channel : own) channel.Recv();
  gate.Close();
  members.Wait();
  group.Done();
  cancel();
  for (const TaskHandle& handle : handles) handle.Join();
}

TEST(TaskBatch, ABatchWithoutItsModelIsDamage) {
  Pool pool(PoolOptions{.workers = 1, .name = "crowd"});
  const Chan<Unit> gate;
  std::vector<TaskHandle> handles;
  pool.Go([&] {
        for (int i = 0; i < kEach; ++i) handles.push_back(Go([&gate] { gate.Recv(); }));
      })
      .Join();
  while (Blocked(*Capture(1)) < handles.size()) std::this_thread::yield();
  const std::string bytes = CaptureDump();
  // Any one byte of the file is wrong: what can be read is read, and nothing is made up.
  for (std::size_t at = 0; at < bytes.size(); at += 7) {
    std::string damaged = bytes;
    damaged[at] = static_cast<char>(damaged[at] ^ 0x55);
    const auto dump = ReadDump(damaged, "test");
    if (!dump.ok() || (*dump)->snapshots.empty()) continue;
    EXPECT_TRUE((*dump)->damage.packets_bad > 0 || (*dump)->damage.bytes_skipped > 0) << at;
    EXPECT_LE(Blocked(**dump), handles.size() + 1) << at;
  }
  gate.Close();
  for (const TaskHandle& handle : handles) handle.Join();
}

}  // namespace
}  // namespace stranded::detector
