// Virtual time beside threads of the program that are no tasks, or adopted: their work takes real
// time.
#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>

#include "runtime_hooks/scheduler/thread_state.h"
#include "stranded/channel.h"
#include "stranded/internal/check_support.h"
#include "stranded/select.h"
#include "stranded/task.h"
#include "stranded/time.h"

namespace stranded {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr milliseconds kThreadsWork{10};

void ComputeForAWhile() {
  for (const auto until = steady_clock::now() + kThreadsWork; steady_clock::now() < until;) {
  }
}

void InWorld(const std::function<void()>& body) {
  internal::ControlledWorld* const world = internal::EnterControlledWorld("beside threads", 1);
  body();
  internal::LeaveControlledWorld(world);
}

// Whether an answer comes before a timeout in virtual time.
bool ComesInTime(const Chan<int>& answers) {
  std::optional<bool> in_time;
  Select(OnRecv(answers, [&](std::optional<int>) { in_time = true; }),
         OnRecv(After(absl::Hours(1)), [&](std::optional<absl::Time>) { in_time = false; }));
  return in_time.value();
}

bool AThreadIsInTime(const std::function<void()>& work) {
  bool in_time = false;
  InWorld([&] {
    const Chan<int> answers(1);
    std::thread answerer([&work, answers] {
      work();
      answers.Send(1);
    });
    in_time = ComesInTime(answers);
    answerer.join();
  });
  return in_time;
}

TEST(TimeAndThreads, WorkIsInTime) { EXPECT_TRUE(AThreadIsInTime(&ComputeForAWhile)); }

TEST(TimeAndThreads, ASleepIsInTime) {
  EXPECT_TRUE(AThreadIsInTime([] { std::this_thread::sleep_for(kThreadsWork); }));
}

TEST(TimeAndThreads, AnAdoptedOneIsInTime) {
  EXPECT_TRUE(AThreadIsInTime([] {
    const Chan<int> own(1);
    own.Send(1);
    ComputeForAWhile();
  }));
}

TEST(TimeAndThreads, OneThatWaitsForATaskIsNotWaitedFor) {
  InWorld([] {
    const Chan<int> answers(1);
    std::mutex mutex;
    std::condition_variable changed;
    bool asked = false;
    std::thread answerer([&] {
      std::unique_lock lock(mutex);
      changed.wait(lock, [&] { return asked; });
      answers.Send(1);
    });
    EXPECT_FALSE(ComesInTime(answers));
    {
      std::lock_guard lock(mutex);
      asked = true;
    }
    changed.notify_one();
    EXPECT_TRUE(ComesInTime(answers));
    answerer.join();
  });
}

// Of a pool of the program's own, perhaps.
TEST(TimeAndThreads, AnOlderOneIsInTime) {
  std::mutex mutex;
  std::condition_variable changed;
  std::function<void()> job;
  bool over = false;
  std::thread worker([&] {
    std::unique_lock lock(mutex);
    for (;;) {
      changed.wait(lock, [&] { return over || job != nullptr; });
      if (over) return;
      std::exchange(job, nullptr)();
    }
  });
  for (int i = 0; i < 3; ++i) {
    InWorld([&] {
      const Chan<int> answers(1);
      {
        std::lock_guard lock(mutex);
        job = [answers] {
          ComputeForAWhile();
          answers.Send(1);
        };
      }
      changed.notify_one();
      // Without a timer, it would be a dead end.
      if (i == 0) {
        EXPECT_EQ(answers.Recv(), 1);
      } else {
        EXPECT_TRUE(ComesInTime(answers));
      }
    });
  }
  {
    std::lock_guard lock(mutex);
    over = true;
  }
  changed.notify_one();
  worker.join();
}

// A second in all (outside_ms), however often time passes; and no more in the next world.
TEST(TimeAndThreads, TimePassesBesideOnesThatGoOnForEver) {
  std::atomic<bool> over{false};
  std::thread spins([&over] {
    while (!over.load(std::memory_order_relaxed)) {
    }
  });
  std::thread naps([&over] {
    while (!over.load(std::memory_order_relaxed)) {
      std::this_thread::sleep_for(std::chrono::microseconds(50));
    }
  });
  for (int world = 0; world < 100; ++world) {
    InWorld([] {
      for (int i = 0; i < 100; ++i) this_task::SleepFor(absl::Minutes(1));
    });
  }
  over = true;
  spins.join();
  naps.join();
}

TEST(ThreadState, SaysWhatAThreadDoes) {
  using internal::StateOfThread;
  using internal::ThreadState;
  EXPECT_EQ(StateOfThread(gettid()), ThreadState::kRuns);
  std::atomic<int> tid{0};
  std::atomic<bool> over{false};
  const auto becomes = [&](ThreadState wanted) {
    while (StateOfThread(tid.load()) != wanted) std::this_thread::yield();
  };
  std::thread sleeps([&] {
    tid = gettid();
    while (!over.load()) std::this_thread::sleep_for(milliseconds(1));
  });
  while (tid.load() == 0) std::this_thread::yield();
  becomes(ThreadState::kSleeps);
  over = true;
  sleeps.join();
  becomes(ThreadState::kGone);
  std::mutex held;
  held.lock();
  tid = 0;
  std::thread waits([&] {
    tid = gettid();
    std::lock_guard lock(held);
  });
  while (tid.load() == 0) std::this_thread::yield();
  becomes(ThreadState::kWaits);
  held.unlock();
  waits.join();
}

}  // namespace
}  // namespace stranded
