// Memory that others still look at when it goes: stacks, locks, and what the child of a fork has.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <memory>
#include <set>
#include <string>
#include <thread>

#include "detector/model/snapshot.h"
#include "stranded/channel.h"
#include "stranded/dump.h"
#include "stranded/dump_reader.h"
#include "stranded/rw_mutex.h"
#include "stranded/task.h"
#include "stranded/time.h"
#include "tests/runtime/dump_test_support.h"
#include "tests/runtime/sync_test_support.h"

namespace stranded {
namespace {

// The wait status of a program of ours, which is mute.
int StatusOf(const std::string& program, const std::string& options = "") {
  const std::string command = "STRANDED_OPTIONS=" + options + " exec " + STRANDED_TEST_PROGRAMS +
                              "/" + program + " > /dev/null 2>&1";
  return std::system(command.c_str());
}

TEST(Lifetimes, ASnapshotOfAnotherThreadReadsNoStackInUse) {
  std::atomic<bool> over{false};
  std::thread looks([&over] {
    while (!over) CaptureDump();
  });
  Pool pool({.workers = 1, .name = "answers"});
  for (int i = 0; i < 20; ++i) {
    const Chan<int> c;
    const TaskHandle receives = Go([c] {
      for (int k = 0; k < 3; ++k) {
        this_task::Yield();  // saves its stack, as it is here
        c.Recv();            // the world waits for the pool on that stack
      }
    });
    const TaskHandle answers = pool.Go([c] {
      this_task::SleepFor(absl::Milliseconds(1));
      for (int k = 0; k < 3; ++k) c.Send(k);
    });
    receives.Join();
    answers.Join();
  }
  over = true;
  looks.join();
}

TEST(Lifetimes, AlternateStacksGoWithTheirThreads) {
  std::set<const void*> stacks;
  const Chan<int> c(1);
  for (int i = 0; i < 40; ++i) {
    std::thread([&] {
      c.TrySend(1);  // adopts the thread
      c.TryRecv();
      stack_t mine = {};
      sigaltstack(nullptr, &mine);
      stacks.insert(mine.ss_sp);
    }).join();
  }
  EXPECT_LT(stacks.size(), 20u);  // else each has its own, and keeps it
}

TEST(Lifetimes, AReadLockThatIsGoneIsNotHeldByItsReader) {
  Pool pool({.workers = 1, .name = "reads"});
  const Chan<int> go, stay;
  auto lock = std::make_unique<RWMutex>();
  const TaskHandle reader = pool.Go({.name = "reader"}, [&] {
    lock->RLock();
    go.Recv();
    stay.Recv();
  });
  AwaitParked(reader.Id(), internal::WaitKind::kChanRecv);
  pool.Go([&] {
        go.Send(1);  // it is ready now: nothing in its list changes
        lock->RUnlock();
        lock.reset();
      })
      .Join();
  AwaitParked(reader.Id(), internal::WaitKind::kChanRecv);
  const auto dump = detector::ReadDump(CaptureDump(), "lifetimes");
  stay.Send(1);
  reader.Join();
  ASSERT_TRUE(dump.ok()) << dump.status();
  const auto& tasks = (*dump)->snapshots.back().tasks.all();
  const auto found =
      std::find_if(tasks.begin(), tasks.end(), [](const auto& t) { return t.name == "reader"; });
  ASSERT_NE(found, tasks.end());
  EXPECT_EQ(found->held_count, 0);
}

TEST(Lifetimes, TheChildOfAForkChecksNoTasksOfItsParent) {
  const int status = StatusOf("forked_exit once");
  ASSERT_TRUE(WIFEXITED(status)) << status;
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

TEST(Lifetimes, TheChildOfAForkEndsNoTaskInTheTraceOfItsParent) {
  const TemporaryDir dir;
  const int status = StatusOf("forked_exit killed", "record=trace:trace_file=" + dir.File("t"));
  ASSERT_TRUE(WIFSIGNALED(status)) << status;
  const auto dump = detector::ReadDumpFile(dir.File("t"));
  ASSERT_TRUE(dump.ok()) << dump.status();
  const auto& tasks = (*dump)->snapshots.back().tasks.all();
  const auto main =
      std::find_if(tasks.begin(), tasks.end(), [](const auto& t) { return t.is_main; });
  ASSERT_NE(main, tasks.end());
  EXPECT_NE(main->state, detector::TaskState::kFinished);
}

// exit() ends what is thread_local of main before the dump is written.
TEST(Lifetimes, TheDumpAtExitHasTheMainTaskThatHasBegunTheOthers) {
  const TemporaryDir dir;
  ASSERT_EQ(StatusOf("dump_at_exit", "grace_ms=100:dump=" + dir.File("d")), 0);
  const auto dump = detector::ReadDumpFile(dir.File("d"));
  ASSERT_TRUE(dump.ok()) << dump.status();
  const detector::Snapshot& snap = (*dump)->snapshots.back();
  const auto& tasks = snap.tasks.all();
  const auto main =
      std::find_if(tasks.begin(), tasks.end(), [](const auto& t) { return t.is_main; });
  const auto left =
      std::find_if(tasks.begin(), tasks.end(), [](const auto& t) { return !t.is_main; });
  ASSERT_NE(main, tasks.end());
  ASSERT_NE(left, tasks.end());
  const auto* own = snap.spawns.Find(left->spawn);
  ASSERT_NE(own, nullptr);
  const auto* spawner = snap.spawns.Find(own->parent);
  ASSERT_NE(spawner, nullptr);
  EXPECT_EQ(spawner->task, main->id);
}

TEST(Lifetimes, ATerminateHandlerThatCallsTheOneBeforeEndsTheProgram) {
  const int status = StatusOf("terminate_chain");
  ASSERT_TRUE(WIFSIGNALED(status)) << status;
  EXPECT_EQ(WTERMSIG(status), SIGABRT);
}

}  // namespace
}  // namespace stranded
