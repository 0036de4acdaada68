// Timers that are armed again while they fire, step by step in a world that fires by hand.
#include "runtime_hooks/time/timer_core.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <latch>
#include <thread>
#include <vector>

namespace stranded::internal {
namespace {

class ByHand final : public World {
 public:
  ByHand() : World("by hand") { RegisterWorld(this); }
  ~ByHand() override { UnregisterWorld(this); }
  void Ready(Task*) override {}
  WakeReason Park(Task*, void (*)(void*), void*) override { std::abort(); }
  void Yield(Task*) override {}
  std::size_t Choose(std::size_t) override { return 0; }
  void FinishFiber(Task*) override {}
  std::int64_t NowNs() override { return 1000; }
  void AddTimer(TimerEntry* timer) override {
    EXPECT_FALSE(timer->armed) << "it would stand in the heap twice";
    timer->armed = true;
  }
  bool RemoveTimer(TimerEntry* timer) override { return std::exchange(timer->armed, false); }
  void ForEachTimer(void (*)(const TimerEntry&, void*), void*) override {}
  WorldFacts Facts() override { return {}; }
  void EnterBlocking(Task*) override {}
  void LeaveBlocking(Task*) override {}
};

std::shared_ptr<TimerCore> NewTimer(World* world) {
  auto core = NewTickTimer(std::source_location::current());
  core->UseWorld(world);
  return core;
}

TEST(TimerCore, AFiringOvertakenByTwoResets) {
  ByHand world;
  const auto core = NewTimer(&world);
  core->Arm(0);
  core->entry.armed = false;  // out of the heap, about to fire
  core->Disarm();
  core->Arm(0);
  core->entry.fire(&core->entry);  // the first arming's
  EXPECT_TRUE(core->active) << "the second arming still has to tick";
  core->Disarm();
  core->Arm(0);
  core->entry.armed = false;
  core->entry.fire(&core->entry);
  EXPECT_FALSE(core->active);
  EXPECT_TRUE(core->channel.TryRecv().value.has_value());
  EXPECT_EQ(core->pending_fires, 0U);
  EXPECT_EQ(core.use_count(), 1);
}

// Were it stopped and armed in two steps, two threads could arm it twice: see ByHand::AddTimer.
TEST(TimerCore, ResetFromManyThreads) {
  ByHand world;
  const auto core = NewTimer(&world);
  core->Arm(0);
  std::latch start(3);
  std::vector<std::thread> threads;
  for (int t = 0; t < 3; ++t) {
    threads.emplace_back([&core, &start] {
      start.arrive_and_wait();
      for (int i = 0; i < 200000; ++i) core->Rearm(0, 0);
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(core->pending_fires, 1U);
  EXPECT_TRUE(core->Disarm());
  EXPECT_EQ(core->pending_fires, 0U);
}

TEST(TimerCore, ATickerResetWhileItFires) {
  ByHand world;
  const auto core = NewTimer(&world);
  core->period_ns = 1;
  core->Arm(1);
  core->entry.armed = false;
  core->Disarm();
  core->Arm(0);
  core->entry.fire(&core->entry);
  EXPECT_EQ(core->pending_fires, 1U);
  core->Disarm();
  EXPECT_EQ(core->pending_fires, 0U);
}

}  // namespace
}  // namespace stranded::internal
