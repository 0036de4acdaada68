// A program is killed at random moments: what its trace file says must be whole and true.
// STRANDED_TEST_PROGRAMS is the directory that mixed_workload was built in.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <random>
#include <string>

#include "absl/strings/str_cat.h"
#include "detector/model/snapshot.h"
#include "stranded/analysis.h"
#include "stranded/dump_reader.h"

namespace stranded::detector {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int kRounds = 100;
constexpr char kReady[] = "ready\n";

class Victim {
 public:
  Victim(const std::string& program, const std::string& options) {
    int out[2];
    if (pipe2(out, O_CLOEXEC) != 0) std::abort();
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, out[1], STDOUT_FILENO);
    const std::string path = absl::StrCat(STRANDED_TEST_PROGRAMS, "/", program);
    const std::string setting = absl::StrCat("STRANDED_OPTIONS=", options);
    char* args[] = {const_cast<char*>(path.c_str()), nullptr};
    char* environment[] = {const_cast<char*>(setting.c_str()), nullptr};
    const int failed = posix_spawn(&pid_, path.c_str(), &actions, nullptr, args, environment);
    posix_spawn_file_actions_destroy(&actions);
    close(out[1]);
    out_ = out[0];
    if (failed != 0) ADD_FAILURE() << "cannot start " << path << ": " << std::strerror(failed);
  }
  ~Victim() {
    Kill();
    close(out_);
  }
  Victim(const Victim&) = delete;
  Victim& operator=(const Victim&) = delete;

  pid_t pid() const { return pid_; }
  // Reads its output until there are `count` bytes, it has ended, or `until` is there.
  void Read(std::size_t count, Clock::time_point until) {
    while (text_.size() < count) {
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - Clock::now());
      pollfd fd{out_, POLLIN, 0};
      if (left.count() <= 0 || poll(&fd, 1, static_cast<int>(left.count())) <= 0) return;
      char buffer[4096];
      const ssize_t n = read(out_, buffer, sizeof buffer);
      if (n <= 0) return;
      text_.append(buffer, static_cast<std::size_t>(n));
    }
  }
  void Kill() {
    if (pid_ <= 0) return;
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
    pid_ = 0;
    Read(SIZE_MAX, Clock::now() + std::chrono::seconds(10));
  }
  const std::string& text() const { return text_; }
  // The last task it said it had spawned; 0 if none.
  Id LastSpawned() const {
    const std::size_t head = sizeof kReady - 1;
    if (text_.size() < head + sizeof(Id)) return 0;
    const std::size_t count = (text_.size() - head) / sizeof(Id);
    Id id = 0;
    std::memcpy(&id, text_.data() + head + (count - 1) * sizeof id, sizeof id);
    return id;
  }

 private:
  pid_t pid_ = 0;
  int out_ = -1;
  std::string text_;
};

class KilledTest : public ::testing::Test {
 protected:
  KilledTest() : path_(::testing::TempDir() + "/stranded_killed." + std::to_string(getpid())) {}
  ~KilledTest() override { unlink(path_.c_str()); }
  std::string Options() const { return "record=trace:ring=65536:workers=2:trace_file=" + path_; }
  std::shared_ptr<const Dump> ReadFile() const {
    auto dump = ReadDumpFile(path_);
    EXPECT_TRUE(dump.ok()) << dump.status();
    return dump.ok() ? *dump : nullptr;
  }
  const std::string path_;
};

bool IsStuck(const Task& task) { return task.name.substr(0, 5) == "stuck"; }

// Who was parked before the marker, on what, and where.
void ExpectStuckTasks(const Dump& dump) {
  const Snapshot& snap = dump.snapshots.back();
  std::map<std::pair<std::string_view, WaitKind>, int> seen;
  for (const Task& task : snap.tasks.all()) {
    if (!IsStuck(task) || task.name == "stuck-mutexes") continue;
    ++seen[{task.name, task.wait}];
    EXPECT_EQ(task.state, TaskState::kBlocked) << task.name;
    EXPECT_THAT(std::string(dump.SiteOf(task.wait_site).file),
                ::testing::HasSubstr("mixed_workload.cc"));
    EXPECT_NE(snap.spawns.Find(task.spawn), nullptr);
    EXPECT_EQ(task.group != 0, task.name == "stuck-counted") << task.name;
    if (task.name == "stuck-counted") {
      const Sync* group = snap.syncs.Find(task.group);
      ASSERT_NE(group, nullptr);
      EXPECT_EQ(group->kind, SyncKind::kWaitGroup);
    }
    if (task.name != "stuck-again") continue;
    EXPECT_EQ(task.park_count, 4u);
    const Channel* served = snap.channels.Find(snap.cases[task.first_case].channel);
    ASSERT_NE(served, nullptr);
    EXPECT_EQ(served->recvs_completed, 3u);
    EXPECT_EQ(served->recvs_started, 4u);
    EXPECT_EQ(served->waiting_receivers, 1u);
  }
  EXPECT_THAT(seen, ::testing::UnorderedElementsAre(
                        testing::Pair(std::pair("stuck-send", WaitKind::kChanSend), 3),
                        testing::Pair(std::pair("stuck-again", WaitKind::kChanRecv), 1),
                        testing::Pair(std::pair("stuck-nil", WaitKind::kChanRecvNil), 1),
                        testing::Pair(std::pair("stuck-select", WaitKind::kSelect), 1),
                        testing::Pair(std::pair("stuck-counted", WaitKind::kChanRecvNil), 1),
                        testing::Pair(std::pair("stuck-wait", WaitKind::kWaitGroupWait), 1),
                        testing::Pair(std::pair("stuck-lock", WaitKind::kMutexLock), 2)));
}

// All references are explained, and nothing contradicts itself.
void ExpectConsistent(const Dump& dump) {
  const Snapshot& snap = dump.snapshots.back();
  EXPECT_FALSE(dump.damage.cut);
  EXPECT_LE(snap.loss.tasks_unread, 8u);  // one for each thread that was writing
  EXPECT_LT(snap.tasks.size(), 40u);      // those that finished have left
  for (const Task& task : snap.tasks.all()) {
    if (task.state != TaskState::kBlocked) continue;
    EXPECT_NE(task.wait_site, 0u) << task.name;
    for (std::uint32_t i = 0; i < task.case_count; ++i) {
      const WaitCase& c = snap.cases[task.first_case + i];
      if (c.channel == 0) continue;
      const Channel* channel = snap.channels.Find(c.channel);
      if (channel == nullptr) continue;  // its record was being written
      EXPECT_NE(channel->site, 0u);
      EXPECT_LE(channel->length, channel->capacity);
      EXPECT_EQ(channel->elem_type, "int");
    }
  }
  for (const Event& e : snap.events.kept()) {
    EXPECT_LE(e.kind, 15u);
    // The time, wakes, and passes: leak checks have no place.
    if (e.kind == 0 || e.kind == 5 || e.kind == 14) continue;
    EXPECT_NE(e.site, 0u) << "kind " << e.kind;
  }
}

void ExpectSpawned(const Snapshot& snap, Id task) {
  if (task == 0) return;
  for (const Event& e : snap.events.kept()) {
    if (e.kind == 1 && e.arg == task) return;
  }
  ADD_FAILURE() << "the spawn of task " << task << " is lost, of " << snap.events.size()
                << " events";
}

void ExpectNoFalseFinding(std::shared_ptr<const Dump> dump) {
  AnalysisOptions options;
  options.min_age = absl::Milliseconds(50);
  options.symbolize = false;
  bool nil = false;
  for (const Finding& f : Analyze(dump, options).findings) {
    for (const Id id : f.data().tasks) {
      const Task* task = dump->snapshots.back().tasks.Find(id);
      EXPECT_TRUE(task != nullptr && IsStuck(*task)) << f.data().title;
    }
    nil |= f.rule() == "nil-channel";
  }
  EXPECT_TRUE(nil);
}

TEST_F(KilledTest, EveryFileIsWholeAndTrue) {
  const char* given = std::getenv("STRANDED_KILL_SEED");
  const unsigned seed =
      given != nullptr ? static_cast<unsigned>(std::atoi(given)) : std::random_device{}();
  std::printf("STRANDED_KILL_SEED=%u\n", seed);
  std::mt19937 random(seed);
  for (int round = 0; round < kRounds && !HasFailure(); ++round) {
    SCOPED_TRACE(absl::StrCat("round ", round));
    Victim victim("mixed_workload", Options());
    victim.Read(sizeof kReady - 1, Clock::now() + std::chrono::seconds(60));
    ASSERT_EQ(victim.text().substr(0, sizeof kReady - 1), kReady);
    victim.Read(SIZE_MAX, Clock::now() + std::chrono::microseconds(random() % 60000));
    victim.Kill();
    const auto dump = ReadFile();
    ASSERT_NE(dump, nullptr);
    EXPECT_EQ(dump->snapshots.back().reason, "killed");
    ExpectStuckTasks(*dump);
    ExpectConsistent(*dump);
    ExpectSpawned(dump->snapshots.back(), victim.LastSpawned());
    ExpectNoFalseFinding(dump);
  }
}

TEST_F(KilledTest, ALivingProgramIsReadWithoutStoppingIt) {
  Victim victim("mixed_workload", Options());
  victim.Read(sizeof kReady - 1, Clock::now() + std::chrono::seconds(60));
  for (int i = 0; i < 10 && !HasFailure(); ++i) {
    const std::size_t before = victim.text().size();
    const auto dump = ReadFile();
    ASSERT_NE(dump, nullptr);
    EXPECT_EQ(dump->snapshots.back().reason, "live");
    ExpectStuckTasks(*dump);
    ExpectConsistent(*dump);
    victim.Read(before + sizeof(Id), Clock::now() + std::chrono::seconds(60));
    EXPECT_GT(victim.text().size(), before);  // it goes on
  }
}

}  // namespace
}  // namespace stranded::detector
