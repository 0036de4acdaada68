#include "runtime_hooks/scheduler/run_queue.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <deque>
#include <latch>
#include <random>
#include <thread>
#include <vector>

#include "runtime_hooks/scheduler/task.h"

namespace stranded::internal {
namespace {

// Against a deque: the newest at the back.
TEST(RunQueue, KeepsItsOrderWhateverComesAndGoes) {
  std::mt19937 random(5);
  std::vector<Task> tasks(600);
  std::vector<Task*> idle(tasks.size());
  std::transform(tasks.begin(), tasks.end(), idle.begin(), [](Task& t) { return &t; });
  RunQueue queue;
  std::deque<Task*> expected;
  for (int step = 0; step < 50000; ++step) {
    const bool growing = step / 1000 % 2 == 0;
    const unsigned what = random() % (growing ? 9 : 13);
    if (what < 3 && !idle.empty()) {
      queue.PushNew(idle.back());
      expected.push_back(idle.back());
      idle.pop_back();
    } else if (what < 5 && !idle.empty()) {
      queue.PushOld(idle.back());
      expected.push_front(idle.back());
      idle.pop_back();
    } else if (what == 5) {
      const std::size_t count = std::min<std::size_t>(random() % 100, idle.size());
      queue.Give(idle.data() + (idle.size() - count), count);
      expected.insert(expected.begin(), idle.end() - static_cast<long>(count), idle.end());
      idle.resize(idle.size() - count);
    } else if (what == 6) {
      std::array<Task*, 16> loot;
      const std::size_t count = queue.Steal(loot.data(), loot.size());
      ASSERT_EQ(count, std::min<std::size_t>(16, (expected.size() + 1) / 2));
      for (std::size_t i = 0; i < count; ++i) {
        ASSERT_EQ(loot[i], expected.front()) << "step " << step;
        expected.pop_front();
        idle.push_back(loot[i]);
      }
    } else {
      const bool old = what % 2 == 0;
      Task* took = old ? queue.TakeOld() : queue.TakeNew();
      Task* wanted = nullptr;
      if (!expected.empty()) {
        wanted = old ? expected.front() : expected.back();
        old ? expected.pop_front() : expected.pop_back();
        idle.push_back(wanted);
      }
      ASSERT_EQ(took, wanted) << "step " << step;
    }
    ASSERT_EQ(queue.size(), expected.size()) << "step " << step;
  }
}

// One thread owns the queue; another one steals from it and gives back.
TEST(RunQueue, LosesNothingToAThiefThatGivesBack) {
  constexpr int kTasks = 64, kThefts = 2000;
  std::vector<Task> tasks(kTasks);
  RunQueue queue;
  std::atomic<bool> over{false};
  std::latch started(2);
  std::thread thief([&] {
    started.arrive_and_wait();
    std::array<Task*, 128> loot;
    for (int i = 0; i < kThefts; ++i) {
      const std::size_t count = queue.Steal(loot.data(), loot.size());
      if (count > 0) queue.Give(loot.data(), count);
    }
    over = true;
  });
  for (Task& t : tasks) queue.PushNew(&t);
  started.arrive_and_wait();
  for (int turn = 0; !over; ++turn) {
    Task* t = turn % 3 == 0 ? queue.TakeOld() : queue.TakeNew();
    if (t == nullptr) continue;  // the thief has all
    t->decisions += 1;
    queue.PushNew(t);
  }
  thief.join();
  std::vector<Task*> left;
  while (Task* t = queue.TakeNew()) left.push_back(t);
  std::sort(left.begin(), left.end());
  EXPECT_EQ(std::unique(left.begin(), left.end()), left.end()) << "one was there twice";
  EXPECT_EQ(left.size(), kTasks);
}

TEST(RunQueue, TakesNothingBackWhileItIsClosed) {
  Task task;
  Task* const given = &task;
  RunQueue queue;
  queue.SetClosed(true);
  EXPECT_FALSE(queue.Give(&given, 1));
  EXPECT_EQ(queue.size(), 0U);
  queue.SetClosed(false);
  EXPECT_TRUE(queue.Give(&given, 1));
  EXPECT_EQ(queue.TakeNew(), given);
}

}  // namespace
}  // namespace stranded::internal
