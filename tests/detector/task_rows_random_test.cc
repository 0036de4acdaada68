// Dumps of any objects and tasks: a merged reading gives the findings that each task alone gives.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <limits>
#include <map>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "stranded/report.h"
#include "tests/detector/batch_rows.h"

namespace stranded::detector {
namespace {

constexpr Id kObjects = 6;  // of each sort; a larger id is that of none
constexpr Id kOwn = 2000;   // ids of what belongs to one task begin here
constexpr Id kHandlers = 9000, kMade = 20000;
constexpr Id kScopes = 3;
constexpr std::size_t kKinds = 8;

class RandomDump {
 public:
  explicit RandomDump(std::uint32_t seed) : random_(seed) {
    tasks_ = 20 + Pick(150);
    named_ = 1 + Pick(8);
    owning_ = Pick(3);
    strange_ = 3 + Pick(30);
    static const char* const kReasons[] = {"check", "request", "exit", "signal SIGQUIT"};
    dump_.Header(1).Begin(kReasons[Pick(4)]);
    for (std::uint32_t i = 0; i < 6; ++i) {
      sites_.push_back(dump_.At("f" + std::to_string(i % 4) + ".cc", 10 + i));
    }
    AddWorlds();
    for (Id id = 1; id <= kScopes; ++id) AddScope(id);
    for (Id id = 1; id <= kObjects; ++id) {
      AddContext(id);
      AddChannel(id);
      AddSync(id);
    }
    AddTasks();
    dump_.End();
  }
  const std::string& bytes() const { return dump_.bytes(); }

  std::size_t Pick(std::size_t count) { return random_() % count; }
  bool OneIn(std::size_t count) { return Pick(count) == 0; }

 private:
  SiteId Site() { return sites_[Pick(sites_.size())]; }
  // A task that an object names: mostly none, now and then one that is not there.
  Id Named() {
    if (!OneIn(named_)) return 0;
    return OneIn(8) ? 1000 + Pick(5) : 1 + Pick(tasks_);
  }

  void AddWorlds() {
    World first = OneIn(3) ? Busy() : Quiet();
    first.main_task = OneIn(2) ? 1 : 1 + Pick(20);
    first.now_ns = OneIn(2) ? 0 : kNow - kSecond;
    World second = OneIn(2) ? Busy() : Quiet();
    second.id = 2;
    second.controlled = OneIn(3);
    first.external = OneIn(3) ? 1 : 0;
    first.running = OneIn(4) ? 1 : 0;
    dump_.Add(first).Add(second);
    if (!OneIn(4)) return;
    Timer timer;
    timer.kind = static_cast<TimerKind>(1 + Pick(4));
    timer.object = 1 + Pick(kObjects);
    timer.world = 1;
    dump_.Add(timer);
  }

  void AddScope(Id id) {
    Scope scope;
    scope.id = id;
    scope.parent = id == 1 ? 0 : Pick(id);
    scope.ended = OneIn(3);
    scope.expected = OneIn(8);
    dump_.Add(scope);
  }

  void AddContext(Id id) {
    stranded::detector::Context context;
    if (OneIn(3)) context = Ended(id, Site());
    context.id = id;
    context.site = Site();
    context.parent = id == 1 ? 0 : 1 + Pick(id - 1);
    const bool open = context.err == ContextErr::kNone;
    if (open) context.kind = static_cast<ContextKind>(id == 1 ? 1 : 3 + Pick(5));
    if (!open) context.ended_by_task = Named();
    context.creator_task = Named();
    context.has_cancel_func = OneIn(2);
    context.cancel_lost = open && OneIn(4);
    context.live_children = OneIn(2) ? 1 : 0;
    context.timer_pending = OneIn(8);
    context.world = 1;
    dump_.Add(context);
  }

  Peer SomePeer() {
    if (OneIn(2)) return {};
    return LastOn(Named(), Site(), static_cast<PeerOutcome>(Pick(5)));
  }
  void AddChannel(Id id) {
    Channel channel;
    channel.id = id;
    channel.site = Site();
    channel.elem_type = OneIn(2) ? "stranded::Unit" : "int";
    channel.capacity = Pick(3);
    channel.length = OneIn(2) ? channel.capacity : 0;
    channel.sends_started = Pick(10);
    channel.sends_completed = Pick(channel.sends_started + 1);
    channel.recvs_started = Pick(10);
    channel.recvs_completed = Pick(channel.recvs_started + 1);
    channel.repeat_sends = OneIn(4) ? 1 : 0;
    channel.creator_task = Named();
    channel.closed = OneIn(12);
    channel.role = static_cast<ChannelRole>(OneIn(8) ? 1 + Pick(2) : 0);
    channel.context = Pick(kObjects + 1);
    channel.last_sender = SomePeer();
    channel.last_receiver = SomePeer();
    dump_.Add(channel);
  }

  SyncPeer SomeUser() { return OneIn(2) ? SyncPeer() : LastBy(Named(), Site()); }
  void AddSync(Id id) {
    Sync sync;
    sync.id = id;
    sync.kind = static_cast<SyncKind>(id);
    sync.role = OneIn(4) ? SyncRole::kErrGroup : SyncRole::kUser;
    sync.site = Site();
    sync.holder_site = Site();
    sync.holder_task = Named();
    sync.counter = static_cast<std::int64_t>(Pick(6));
    sync.limit = static_cast<std::int64_t>(Pick(4));
    sync.readers = OneIn(2) ? 1 : 0;
    sync.waiters = static_cast<std::uint32_t>(Pick(5));
    sync.last_add = SomeUser();
    sync.last_done = SomeUser();
    sync.last_signal = SomeUser();
    dump_.Add(sync);
  }

  Id Object() { return 1 + Pick(kObjects + 1); }
  TaskSpec SomeWait() {
    const SiteId at = Site();
    switch (Pick(9)) {
      case 0:
      case 1: return Sender(0, Object(), at);
      case 2:
      case 3: return Receiver(0, Object(), at);
      case 4:
        return InSelect(0, at,
                        {{CaseOp::kRecv, Object(), 0, at}, {CaseOp::kDone, 0, Object(), at}});
      case 5:
        return InSelect(0, at,
                        {{CaseOp::kSend, Object(), 0, at}, {CaseOp::kRecv, Object(), 0, at}});
      case 6: {
        TaskSpec joins = Waiter(0, WaitKind::kJoin, 0, at);
        joins.task.join_task = 1;
        return joins;
      }
      case 7: return Waiter(0, WaitKind::kSelectEmpty, 0, at);
      default: {
        const int kind = static_cast<int>(WaitKind::kMutexLock) + static_cast<int>(Pick(7));
        return Waiter(0, static_cast<WaitKind>(kind), 1 + Pick(kObjects), at);
      }
    }
  }
  // What tasks of one kind have in common.
  TaskSpec SomeKind() {
    TaskSpec kind = SomeWait();
    kind.task.world = OneIn(5) ? 2 : 1;
    kind.task.daemon = OneIn(8);
    kind.task.range = OneIn(3);
    kind.task.scope = Pick(kScopes + 1);
    kind.task.name = OneIn(2) ? "a" : "";
    return kind;
  }

  // Those that are not blocked, and those that hold something, are written alone.
  TaskSpec SomeOddOne(Id id) {
    TaskSpec odd = InState(id, TaskState::kRunning);
    if (OneIn(2)) odd = InState(id, TaskState::kFinished);
    if (OneIn(3)) {
      odd = Receiver(id, Object(), Site());
      odd.held = {{2, Site(), true}};
    }
    return odd;
  }

  TaskSpec SomeTask(Id id, TaskSpec spec) {
    static constexpr std::int64_t kAges[] = {kSecond / 2, kSecond, 5 * kSecond, 10 * kSecond,
                                             20 * kSecond};
    Task& task = spec.task;
    task.id = id;
    task.context = OneIn(12) ? Pick(8) : 1 + Pick(2);
    task.since_ns = OneIn(20) ? 0 : kNow - kAges[Pick(5)] - static_cast<std::int64_t>(Pick(2));
    task.group = OneIn(6) ? 3 : 0;
    if (task.join_task != 0) task.join_task = 1 + Pick(tasks_);
    if (!OneIn(2 + 2 * named_)) return spec;
    for (WaitCase& c : spec.cases) (c.op == CaseOp::kDone ? c.context : c.channel) = Object();
    return spec;
  }

  std::int64_t SomeTime() {
    static constexpr std::int64_t kAges[] = {-kSecond, kSecond / 2, kSecond, 5 * kSecond,
                                             20 * kSecond};
    return OneIn(strange_) ? 0 : kNow - kAges[OneIn(strange_) ? Pick(5) : 3];
  }
  // Who is named by an object of that task: mostly itself, the task that started it and has gone,
  // or nobody, by its kind.
  Id SomeoneFor(Id task, bool itself) {
    if (OneIn(strange_)) return OneIn(3) ? kHandlers + 1 + Pick(tasks_) : Named();
    return itself ? task : handler_ ? kHandlers + task : 0;
  }
  // An object of that task; now and then another's, or one of all.
  Id OwnOf(Id task, Id number = 0) {
    if (!OneIn(strange_)) return kOwn + 4 * task + number;
    return OneIn(2) ? Object() : kOwn + 4 * (1 + Pick(tasks_)) + number;
  }

  // A channel, a context and, by the task's kind, a Done channel and a context above that are its
  // own, more or less.
  void AddOwn(TaskSpec& spec, std::uint32_t kind) {
    const Id task = spec.task.id, like = 1 + kind % kObjects;
    const auto bit = [kind](int number) { return (kind >> (8 + number) & 1) != 0; };
    const bool two = bit(0), done = bit(1);
    handler_ = bit(7);
    if (handler_) {
      const Id node = kHandlers + (OneIn(strange_) ? 1 + Pick(tasks_) : task);
      const Id model = first_;  // a task with a packet
      const Id of = OneIn(strange_) ? Named() : node;
      own_nodes_.push_back({model, Spawned(node, of, OneIn(strange_) ? 1 + Pick(9) : model)});
      if (!OneIn(strange_)) parents_[task] = node;
    }
    for (WaitCase& c : spec.cases) {
      if (c.op == CaseOp::kDone) {
        c.context = OwnOf(task);
        if (done) c.channel = OwnOf(task, 2);
      } else if (c.channel != 0) {
        c.channel = OwnOf(task);
      }
    }
    spec.task.context = OwnOf(task);
    for (const bool second : {false, true}) {
      Channel channel;
      channel.id = kOwn + 4 * task + (second ? 2 : 0);
      channel.creator_task = second ? 0 : SomeoneFor(task, bit(2));
      channel.created_ns = SomeTime();
      channel.context = second ? OwnOf(task) : 0;
      for (Peer* peer : {&channel.last_sender, &channel.last_receiver}) {
        if (second) continue;
        peer->task = SomeoneFor(task, bit(peer == &channel.last_sender ? 3 : 4));
        peer->at_ns = SomeTime();
        if (OneIn(strange_)) (OneIn(2) ? peer->left_context : peer->left_channel) = OwnOf(task);
      }
      if (!second || done) own_channels_.push_back({like, channel});
    }
    for (const bool above : {false, true}) {
      stranded::detector::Context context;
      context.id = kOwn + 4 * task + (above ? 1 : 0);
      context.parent = !above && two ? OwnOf(task, 1) : (OneIn(strange_) ? Object() : 1);
      context.creator_task = SomeoneFor(task, bit(5));
      context.created_ns = SomeTime();
      context.ended_ns = SomeTime();
      context.ended_by_task = SomeoneFor(task, bit(6));
      context.ended_origin = OwnOf(task, two ? 1 : 0);
      context.done_channel = above || !done ? 0 : OwnOf(task, 2);
      if (!above || two) own_contexts_.push_back({like, context});
    }
    if (bit(10) && !OneIn(strange_)) {
      Timer timer;
      timer.kind = TimerKind::kContext;
      timer.object = OwnOf(task);
      timer.world = 1;
      dump_.Add(timer);
    }
    if (bit(8)) {  // it made these for itself
      Channel channel;
      channel.id = kMade + task;
      channel.creator_task = SomeoneFor(task, true);
      own_channels_.push_back({like, channel});
      stranded::detector::Context context;
      context.id = kMade + task;
      context.parent = bit(9) ? OwnOf(task) : 1;
      context.creator_task = SomeoneFor(task, true);
      context.ended_ns = SomeTime();
      own_contexts_.push_back({like, context});
    }
    if (!OneIn(40)) return;
    AddRows(dump_, std::exchange(own_channels_, {}));
    AddRows(dump_, std::exchange(own_contexts_, {}));
    AddRows(dump_, std::exchange(own_nodes_, {}));
  }

  void AddTasks() {
    std::vector<TaskSpec> kinds;
    std::vector<SiteId> spawn_sites;
    std::vector<std::uint32_t> owns;  // what tasks of a kind have of their own
    for (std::size_t k = 0; k < kKinds; ++k) {
      kinds.push_back(SomeKind());
      spawn_sites.push_back(Site());
      owns.push_back(static_cast<std::uint32_t>(random_()));
    }
    std::vector<Id>& parents = parents_;
    parents.assign(tasks_ + 1, 0);
    std::vector<Id> ids;
    std::vector<bool> has_spawned(tasks_ + 1);
    for (Id id = 1; id <= tasks_; ++id) {
      ids.push_back(id);
      if (id == 1 || !OneIn(named_)) continue;
      parents[id] = 1 + Pick(std::min<Id>(id - 1, 8));
      has_spawned[parents[id]] = !OneIn(8);  // before 1.4 nobody said so
    }
    std::shuffle(ids.begin(), ids.end(), random_);  // as their records may lie
    std::map<std::pair<std::size_t, bool>, Id> models;
    std::vector<RowSpec> rows;
    first_ = ids.front();
    for (const Id id : ids) {
      const std::size_t k = Pick(kKinds);
      const bool odd = OneIn(15);
      TaskSpec spec = odd ? SomeOddOne(id) : SomeTask(id, kinds[k]);
      spec.task.spawn = id;
      spec.task.has_spawned = has_spawned[id];
      if (!odd && owning_ > 0 && owns[k] % owning_ == 0) AddOwn(spec, owns[k]);
      Id& model = models[{k, has_spawned[id]}];
      if (!odd && model != 0) {
        rows.push_back(RowOf(spec, model, parents[id]));
        if (OneIn(40)) AddRows(dump_, std::exchange(rows, {}));
        continue;
      }
      if (!odd) model = id;
      dump_.Add(Spawned(id, id, parents[id], spawn_sites[k])).Add(spec);
    }
    AddRows(dump_, rows);
    AddRows(dump_, own_channels_);
    AddRows(dump_, own_contexts_);
    AddRows(dump_, own_nodes_);
  }

  static RowSpec RowOf(const TaskSpec& spec, Id model, Id parent) {
    const Task& t = spec.task;
    RowSpec row{.like = model,
                .id = t.id,
                .parent = parent,
                .context = t.context,
                .group = t.group,
                .since_ns = t.since_ns,
                .objects = {}};
    for (const WaitCase& c : spec.cases) {
      row.objects.push_back(c.channel);
      if (c.op == CaseOp::kDone) row.objects.push_back(c.context);
    }
    for (const Id id : {t.sync, t.join_task}) {
      if (id != 0) row.objects.push_back(id);
    }
    return row;
  }

  std::mt19937 random_;
  std::size_t tasks_ = 0;
  std::size_t named_ = 1;    // one object in so many names a task
  std::size_t owning_ = 0;   // one task in so many has objects of its own
  std::size_t strange_ = 2;  // one of their facts in so many is another task's
  bool handler_ = false;     // the task at hand was started by one that has gone
  Id first_ = 0;             // the first task of the dump
  std::vector<Id> parents_;
  std::vector<ObjectSpec<SpawnNode>> own_nodes_;
  std::vector<ObjectSpec<Channel>> own_channels_;
  std::vector<ObjectSpec<stranded::detector::Context>> own_contexts_;
  DumpBuilder dump_ = DumpBuilder::Bare();
  std::vector<SiteId> sites_;
};

AnalysisOptions SomeOptions(RandomDump& random) {
  static const absl::Duration kAges[] = {absl::ZeroDuration(), absl::Seconds(1),
                                         absl::Milliseconds(500), absl::Seconds(2)};
  static constexpr std::size_t kListed[] = {0, 1, 3, 100, std::numeric_limits<std::size_t>::max()};
  AnalysisOptions options;
  options.min_age = kAges[random.Pick(4)];
  options.most_tasks_listed = kListed[random.Pick(std::size(kListed))];
  options.growth_threshold = random.OneIn(2) ? 5 : 1000;
  if (random.OneIn(4)) options.scope = 1 + random.Pick(kScopes);
  if (random.OneIn(6)) options.world = 1;
  if (random.OneIn(6)) options.ignore = {"f1.cc"};
  options.caller_goes_on = random.OneIn(6);
  return options;
}

TEST(RandomTaskRows, MergedTheyGiveTheSameFindings) {
  std::size_t crowds = 0, findings = 0, own = 0;
  for (std::uint32_t seed = 1; seed <= 1500 && !testing::Test::HasFailure(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    RandomDump dump(seed);
    const AnalysisOptions options = SomeOptions(dump);
    const auto merged = ReadMerged(dump.bytes(), options);
    crowds += merged->snapshots.back().crowds.size();
    own += merged->snapshots.back().channels_merged + merged->snapshots.back().contexts_merged;
    const Analysis analysis = Analyze(merged, options);
    findings += analysis.findings.size();
    ExpectTheSame(dump.bytes(), options);
    const Analysis each = Analyze(ReadEach(dump.bytes()), options);
    EXPECT_EQ(TreeReport(analysis), TreeReport(each));
    TaskFilter filter;
    EXPECT_EQ(TaskTable(analysis, filter), TaskTable(each, filter));
    filter.context = 1 + dump.Pick(kObjects);
    EXPECT_EQ(TaskTable(analysis, filter), TaskTable(each, filter));
    for (const Id id : {Id{1}, kObjects + 1, kOwn + dump.Pick(200)}) {
      EXPECT_EQ(HasContext(analysis, id), HasContext(each, id)) << id;
      EXPECT_EQ(HasChannel(analysis, id), HasChannel(each, id)) << id;
    }
  }
  EXPECT_GT(crowds, 1000u) << "nothing was there to be merged";
  EXPECT_GT(own, 1000u) << "no task's own objects went with it";
  EXPECT_GT(findings, 1000u);
}

}  // namespace
}  // namespace stranded::detector
