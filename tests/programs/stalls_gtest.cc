// Tests whose only thread waits outside of the runtime, and one in which it only computes.
#include <gtest/gtest.h>
#include <stranded/stranded.h>

#include <atomic>
#include <chrono>
#include <semaphore>
#include <thread>

namespace stranded {
namespace {

constexpr auto kLong = std::chrono::milliseconds(1700);

// As a std::mutex whose holder is a task that cannot run; but this one comes to an end.
TEST(Stall, AForeignWaitIsNamed) {
  std::binary_semaphore gate(0);
  std::thread rescue([&gate] {
    std::this_thread::sleep_for(kLong);
    gate.release();
  });
  Chan<int> values;
  const TaskHandle waits = Go({.name = "waits"}, Background(), [values, &gate] {
    values.Recv();
    gate.acquire();
  });
  values.Send(1);
  waits.Join();
  rescue.join();
}

TEST(Stall, ARegionIsToldByItsPlace) {
  Go({.name = "reads"}, Background(), [] {
    const BlockingRegion region;
    std::this_thread::sleep_for(kLong);
  }).Join();
}

TEST(Stall, ComputingIsNone) {
  const auto end = std::chrono::steady_clock::now() + kLong;
  while (std::chrono::steady_clock::now() < end) {
  }
}

// As a task that polls for what another one is to do; but this one comes to an end.
TEST(Stall, APollerIsNamed) {
  std::atomic<bool> done{false};
  std::thread rescue([&done] {
    std::this_thread::sleep_for(std::chrono::milliseconds(3700));
    done.store(true, std::memory_order_relaxed);
  });
  Chan<int> values;
  const TaskHandle polls = Go({.name = "polls"}, Background(), [values, &done] {
    values.Recv();
    while (!done.load(std::memory_order_relaxed)) {
    }
  });
  values.Send(1);
  polls.Join();
  rescue.join();
}

}  // namespace
}  // namespace stranded
