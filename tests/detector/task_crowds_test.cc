// Read with MergeAlike, a dump gives the findings that it gives when it is read task by task.
#include <gtest/gtest.h>
#include <stranded/channel.h>
#include <stranded/context.h>
#include <stranded/dump.h>
#include <stranded/dump_reader.h>
#include <stranded/errors.h>
#include <stranded/report.h>
#include <stranded/select.h>
#include <stranded/sync.h>
#include <stranded/task.h>
#include <stranded/time.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <limits>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "detector/model/snapshot.h"
#include "tests/detector/batch_rows.h"

namespace stranded::detector {
namespace {

// Without events, which other tests of this process may have left: with them nothing is merged.
std::string Capture() {
  DumpOptions options;
  options.events = false;
  return CaptureDump(options);
}

std::size_t Blocked(const Snapshot& s) {
  std::size_t count = 0;
  for (const Task& t : s.tasks.all()) {
    if (t.state == TaskState::kBlocked) count += s.CountOf(t);
  }
  return count;
}

// Then another look finds them as they were.
bool AllWait(const Snapshot& s) {
  return std::ranges::all_of(s.tasks.all(), [&s](const Task& t) {
    const World* world = s.worlds.Find(t.world);
    const bool other = world == nullptr || world->name != "crowd";
    return other || t.state == TaskState::kBlocked || t.state == TaskState::kFinished;
  });
}

// Tasks that wait for all kinds of things, at few places, alike and not. They end with it.
class Crowds {
 public:
  explicit Crowds(std::uint32_t seed) : random_(seed) {
    pool_
        .Go([this] {
          for (Chan<int>& c : channels_) c = Chan<int>();
          live_ = WithCancel(Background());
          ended_ = WithCancel(Background());
          below_ = WithCancel(ended_.first);
          pending_.Add(1);
          std::vector<Choice> choices;
          for (int i = 0; i < 10; ++i) choices.push_back(Choose());
          for (const Choice& c : choices) StartSome(c);
          ended_.second();
          this_task::SleepFor(absl::Milliseconds(12));  // more than a tick, so that ages differ
          for (const Choice& c : choices) StartSome(c);
          StartServer();
        })
        .Join();
    while (!AllWait(ReadEach(Capture())->snapshots.back())) std::this_thread::yield();
  }
  ~Crowds() {
    pending_.Done();
    for (Chan<int>& c : channels_) c.Close();
    for (Chan<int>& c : own_) c.Close();
    live_.second();
    below_.second();
    for (const TaskHandle& handle : handles_) handle.Join();
  }
  Crowds(const Crowds&) = delete;
  Crowds& operator=(const Crowds&) = delete;

 private:
  std::size_t Pick(std::size_t count) { return random_() % count; }

  template <class F>
  void Start(const stranded::Context& context, const char* name, F body) {
    SpawnOptions options;
    options.name = name;
    handles_.push_back(Go(options, context, [body] {
      try {
        body();
      } catch (const ClosedChannelError&) {  // how senders end
      }
    }));
  }

  struct Choice {
    std::size_t kind = 0, count = 0, context = 0, channel = 0, other = 0;
    const char* name = "";
  };
  Choice Choose() {
    return {Pick(9), 1 + Pick(20), Pick(3), 1 + Pick(2), 1 + Pick(2), Pick(2) == 0 ? "" : "worker"};
  }
  // Some that differ in ids and times, now and then with one among them that others name.
  void StartSome(const Choice& c) {
    const stranded::Context contexts[] = {live_.first, ended_.first, below_.first};
    for (std::size_t i = 0; i < c.count; ++i) {
      StartOne(c.kind, contexts[c.context], channels_[c.channel], channels_[c.other], c.name);
    }
    if (c.kind == 1) channels_[c.other].Send(1);  // one that waits is now the last that received
    senders_ |= c.kind == 0;
  }
  // It has served the senders, and has a timer: some may go on, and ages count.
  void StartServer() {
    handles_.push_back(Go(live_.first, [this] {
      if (senders_) channels_[0].Recv();
      Select(OnRecv(After(absl::Hours(1)), [] {}), OnDone(live_.first, [] {}));
    }));
  }

  void StartOne(std::size_t kind, const stranded::Context& context, const Chan<int>& channel,
                const Chan<int>& other, const char* name) {
    switch (kind) {
      case 0: return Start(context, name, [to = channels_[0]] { to.Send(1); });
      case 1:
        return Start(context, name, [other] {
          other.Recv();
          other.Recv();
        });
      case 2:
        return Start(context, name,
                     [channel, other] { Select(OnRecv(channel, [] {}), OnRecv(other, [] {})); });
      case 3: {
        const Chan<int> mine = own_.emplace_back();
        return Start(context, name, [mine] { mine.Send(1); });
      }
      case 4: return Start(live_.first, name, [] { this_task::GetContext().Done().Recv(); });
      case 5:  // it has a child, which is stuck, too
        return Start(context, name, [channel] {
          const TaskHandle child = Go([channel] { channel.Recv(); });
          channel.Recv();
          child.Join();
        });
      case 6: return Start(context, name, [this] { pending_.Wait(); });
      case 7:  // the first holds it, the others wait for it
        return Start(context, name, [this, channel] {
          const MutexLock lock(mutex_);
          channel.Recv();
        });
      default: {
        if (handles_.empty()) return Start(context, name, [other] { other.Recv(); });
        const TaskHandle joined = handles_[Pick(handles_.size())];
        return Start(context, name, [joined] { joined.Join(); });
      }
    }
  }

  std::mt19937 random_;
  Pool pool_{PoolOptions{.workers = 1, .name = "crowd"}};
  Chan<int> channels_[3];  // nobody receives from the first, and nobody sends on the others
  std::vector<Chan<int>> own_;
  std::pair<stranded::Context, CancelFunc> live_, ended_, below_;
  WaitGroup pending_;
  Mutex mutex_;
  bool senders_ = false;
  std::vector<TaskHandle> handles_;
};

// About half of the tasks have waited for less.
absl::Duration MiddleAge(const Dump& dump) {
  const Snapshot& s = dump.snapshots.back();
  std::int64_t least = std::numeric_limits<std::int64_t>::max(), most = 0;
  for (const Task& t : s.tasks.all()) {
    if (t.since_ns == 0 || t.is_thread) continue;
    least = std::min(least, s.NowFor(t) - t.since_ns);
    most = std::max(most, s.NowFor(t) - t.since_ns);
  }
  return absl::Nanoseconds((least + most) / 2);
}

// What lists or draws tasks reads a merged dump again.
void ExpectTheSameLists(const std::string& bytes, const AnalysisOptions& options) {
  const Analysis each = Analyze(ReadEach(bytes), options);
  const Analysis merged = Analyze(ReadMerged(bytes, options), options);
  EXPECT_EQ(TreeReport(merged), TreeReport(each));
  EXPECT_EQ(TaskTable(merged), TaskTable(each));
  EXPECT_EQ(DotReport(merged), DotReport(each));
  EXPECT_EQ(HtmlReport(merged), HtmlReport(each));
  EXPECT_EQ(PerfettoReport(merged), PerfettoReport(each));
  const Snapshot& s = each.dump->snapshots.back();
  for (const Task& t : s.tasks.all()) EXPECT_EQ(ShowTask(merged, t.id), ShowTask(each, t.id));
  for (const Channel& c : s.channels.all()) {
    EXPECT_EQ(ShowChannel(merged, c.id), ShowChannel(each, c.id));
  }
}

TEST(TaskCrowds, FindingsAreTheSame) {
  std::size_t merged = 0;
  for (std::uint32_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const Crowds crowds(seed);
    const std::string bytes = Capture();
    AnalysisOptions options;
    options.min_age = absl::ZeroDuration();
    options.growth_threshold = 20;
    merged += ReadMerged(bytes, options)->snapshots.back().crowds.size();
    ExpectTheSame(bytes, options);
    if (seed % 4 == 0) ExpectTheSameLists(bytes, options);
    options.most_tasks_listed = 3;
    ExpectTheSame(bytes, options);
    options.min_age = MiddleAge(*ReadEach(bytes));
    ExpectTheSame(bytes, options);
    options.min_age /= 10;  // rules ask for ten times as much, too
    ExpectTheSame(bytes, options);
    options.most_tasks_listed = 0;
    ExpectTheSame(bytes, options);
  }
  EXPECT_GT(merged, 50u) << "nothing was there to be merged";
}

// Requests whose answers come too late: each has a channel and contexts of its own.
class Requests {
 public:
  Requests(std::size_t count, std::uint32_t seed) {
    pool_
        .Go([&] {
          std::mt19937 random(seed);
          for (std::size_t i = 0; i < count; ++i) StartOne(random() % kKinds);
          this_task::SleepFor(absl::Milliseconds(12));
          for (std::size_t i = 0; i < count / 3; ++i) StartOne(random() % kKinds);
        })
        .Join();
    while (!AllWait(ReadEach(Capture())->snapshots.back())) std::this_thread::yield();
  }
  ~Requests() {
    for (Chan<int>& c : own_) c.Close();
    for (CancelFunc& cancel : live_) cancel();
    for (const TaskHandle& handle : handles_) handle.Join();
  }
  Requests(const Requests&) = delete;
  Requests& operator=(const Requests&) = delete;

 private:
  static constexpr std::size_t kKinds = 6;

  void StartOne(std::size_t kind) {
    const Chan<int> mine = own_.emplace_back();
    if (kind == 0) return Start(Background(), [mine] { mine.Send(1); });
    auto [context, cancel] =
        kind == 1 ? WithTimeout(Background(), absl::Hours(1)) : WithCancel(Background());
    if (kind == 2) {  // one context more, and one that is made by the task itself
      const stranded::Context below = WithValue<RequestKey>(context, 7);
      Start(below, [mine] {
        auto [inner, stop] = WithCancel(this_task::GetContext());
        Select(OnRecv(mine, [] {}), OnRecv(inner.Done(), [] {}));
        stop();
      });
      live_.push_back(std::move(cancel));
      return;
    }
    if (kind == 3) {  // its channel is known to another one, too
      Start(context, [mine] { mine.Recv(); });
      Start(context, [mine] { mine.Recv(); });
    } else {
      Start(context, [mine] { mine.Send(1); });
    }
    if (kind == 4) return live_.push_back(std::move(cancel));
    cancel();
  }
  template <class F>
  void Start(const stranded::Context& context, F body) {
    handles_.push_back(Go(context, [body] {
      try {
        body();
      } catch (const ClosedChannelError&) {
      }
    }));
  }

  struct RequestKey {
    using Value = int;
  };
  Pool pool_{PoolOptions{.workers = 1, .name = "crowd"}};
  std::vector<Chan<int>> own_;
  std::vector<CancelFunc> live_;
  std::vector<TaskHandle> handles_;
};

TEST(TaskCrowds, ObjectsOfOneTaskGoWithIt) {
  for (std::uint32_t seed = 1; seed <= 5; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const Requests requests(300, seed);
    const std::string bytes = Capture();
    AnalysisOptions options;
    options.min_age = absl::ZeroDuration();
    const auto dump = ReadMerged(bytes, options);
    const Snapshot& s = dump->snapshots.back();
    EXPECT_GT(s.channels_merged, 100u);
    EXPECT_GT(s.contexts_merged, 100u);
    ExpectTheSame(bytes, options);
    ExpectTheSameLists(bytes, options);
    options.min_age = MiddleAge(*ReadEach(bytes));
    options.most_tasks_listed = 3;
    ExpectTheSame(bytes, options);
  }
}

class CrowdAtGate {
 public:
  explicit CrowdAtGate(std::size_t count) {
    pool_
        .Go([&] {
          for (std::size_t i = 0; i < count; ++i) {
            handles_.push_back(Go([gate = gate_] { gate.Recv(); }));
          }
        })
        .Join();
    while (!AllWait(ReadEach(Capture())->snapshots.back())) std::this_thread::yield();
  }
  ~CrowdAtGate() {
    gate_.Close();
    for (const TaskHandle& handle : handles_) handle.Join();
  }
  CrowdAtGate(const CrowdAtGate&) = delete;
  CrowdAtGate& operator=(const CrowdAtGate&) = delete;

 private:
  Pool pool_{PoolOptions{.workers = 1, .name = "crowd"}};
  Chan<Unit> gate_;
  std::vector<TaskHandle> handles_;
};

TEST(TaskCrowds, ThousandsAreFew) {
  const CrowdAtGate crowd(5000);
  const AnalysisOptions options;
  const std::string bytes = Capture();
  const auto dump = ReadMerged(bytes, options);
  const Snapshot& s = dump->snapshots.back();
  // Beside what other tests of this process may have left.
  EXPECT_LT(s.tasks.size(), 500u);
  EXPECT_EQ(Blocked(s), Blocked(ReadEach(bytes)->snapshots.back()));
  ASSERT_FALSE(s.crowds.empty());
  for (const TaskCrowd& c : s.crowds) {
    EXPECT_EQ(c.ids.size(), std::min(c.count, options.most_tasks_listed));
    EXPECT_TRUE(std::ranges::is_sorted(c.ids));
    EXPECT_LE(c.first_since_ns, c.last_since_ns);
  }
}

TEST(TaskCrowds, OtherOptionsThanItWasReadForAreRefused) {
  const CrowdAtGate crowd(1);
  AnalysisOptions options;
  const auto dump = ReadMerged(Capture(), options);
  options.min_age = absl::Seconds(2);
  EXPECT_THROW(Analyze(dump, options), MisuseError);
}

TEST(TaskCrowds, AFileThatIsGoneShowsWhatThereIs) {
  const CrowdAtGate crowd(200);
  const AnalysisOptions options;
  const std::string path = testing::TempDir() + "crowd.strd";
  std::ofstream(path, std::ios::binary) << Capture();
  ReadOptions read;
  read.events = EventStorage::kEncoded;
  read.merge = MergeAlike{options.min_age, options.most_tasks_listed};
  const auto dump = ReadDumpFile(path, read);
  ASSERT_TRUE(dump.ok()) << dump.status();
  const Analysis analysis = Analyze(*dump, options);
  const auto lines = [&] {
    const std::string table = TaskTable(analysis);
    return std::count(table.begin(), table.end(), '\n');
  };
  EXPECT_GE(lines(), 200);
  std::remove(path.c_str());
  EXPECT_GE(lines(), 1);
}

}  // namespace
}  // namespace stranded::detector
