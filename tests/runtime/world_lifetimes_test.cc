// Worlds that go while other threads still have to do with them, or with the list of them.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <thread>
#include <vector>

#include "detector/model/snapshot.h"
#include "runtime_hooks/scheduler/world.h"
#include "stranded/channel.h"
#include "stranded/context.h"
#include "stranded/dump.h"
#include "stranded/dump_reader.h"
#include "stranded/gtest.h"
#include "stranded/internal/check_support.h"
#include "stranded/task.h"

namespace stranded {
namespace {

TEST(WorldLifetimes, ATimeoutIsCancelledElsewhereAsItsWorldGoes) {
  constexpr int kWorlds = 300, kContexts = 20;
  for (int i = 0; i < kWorlds; ++i) {
    internal::ControlledWorld* const world = internal::EnterControlledWorld("goes", 1);
    std::vector<CancelFunc> cancels;
    for (int k = 0; k < kContexts; ++k) {
      cancels.push_back(WithTimeout(Background(), absl::Hours(1)).second);
    }
    std::atomic<bool> begins{false};
    std::thread elsewhere([&] {
      begins.store(true, std::memory_order_release);
      for (const CancelFunc& cancel : cancels) cancel();
    });
    while (!begins.load(std::memory_order_acquire)) {
    }
    internal::LeaveControlledWorld(world);
    elsewhere.join();
  }
}

// Two that play ball until the check has had enough: one of them has just been handed the ball.
TEST(WorldLifetimes, WhatIsReadyAsItsWorldGoesStaysReady) {
  IgnoreLeaks("world_lifetimes_test.cc");
  internal::ControlledWorld* const world = internal::EnterControlledWorld("ends in a game", 1);
  const Chan<int> there, back;
  const TaskHandle players[] = {Go([=] {
                                  for (;; back.Recv()) there.Send(1);
                                }),
                                Go([=] {
                                  for (;; back.Send(1)) there.Recv();
                                })};
  EXPECT_FALSE(internal::WaitUntilQuiet(nullptr, absl::Seconds(1)));
  EXPECT_EQ(internal::LeaveControlledWorld(world), 2u);
  const auto dump = detector::ReadDump(CaptureDump(), "world_lifetimes");
  ASSERT_TRUE(dump.ok()) << dump.status();
  const detector::Snapshot& snap = (*dump)->snapshots.back();
  for (const TaskHandle& player : players) {
    const detector::Task* task = snap.tasks.Find(player.Id().value);
    ASSERT_NE(task, nullptr);
    EXPECT_EQ(task->state, detector::TaskState::kRunnable);
    EXPECT_EQ(task->case_count, 0u);
    EXPECT_TRUE(snap.worlds.Find(task->world)->quiet);
  }
}

// What its parent's other threads hold at the fork nobody gives back there.
TEST(WorldLifetimes, TheChildOfAForkMakesAWorldOfItsOwn) {
#ifdef __SANITIZE_THREAD__
  GTEST_SKIP() << "ThreadSanitizer wants no threads where a program forks";
#endif
  constexpr int kForks = 200;
  std::atomic<bool> over{false};
  std::thread looks([&over] {
    while (!over.load(std::memory_order_relaxed)) internal::WorldIds();
  });
  int failed = 0;
  for (int i = 0; i < kForks; ++i) {
    const pid_t child = fork();
    if (child == 0) {
      alarm(10);
      internal::ControlledWorld* const world = internal::EnterControlledWorld("of a child", 1);
      const Chan<int> c;
      Go([c] { c.Send(1); });
      const bool came = c.Recv() == 1;
      _exit(came && internal::LeaveControlledWorld(world) == 0 ? 0 : 1);
    }
    int status = -1;
    waitpid(child, &status, 0);
    failed += status != 0;
    if (WIFSIGNALED(status)) break;
  }
  over = true;
  looks.join();
  EXPECT_EQ(failed, 0);
}

}  // namespace
}  // namespace stranded
