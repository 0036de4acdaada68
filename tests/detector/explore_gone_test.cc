// What tasks that are unwound still refer to, when the frame around it is gone.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <mutex>
#include <string>
#include <vector>

#include "stranded/dump.h"
#include "stranded/dump_reader.h"
#include "stranded/stranded.h"
#include "tests/detector/explore_support.h"

namespace stranded {
namespace {

using testing::Contains;
using testing::HasSubstr;

TEST(ExploreGone, LocksOfConditionsThatAreGoneAreLeftAlone) {
  // Nobody holds the lock while the task waits, and its guard unlocks all the same.
  const ExploreResult result = Explore(WithPolicy("random", 200), [] {
    Mutex lock;
    RWMutex rw;
    Cond missed(lock), missed_writing(rw), missed_reading(rw.RLocker());
    missed.Signal();
    const TaskHandle waits = Go([&] {
      const MutexLock guard(lock);
      missed.Wait();
    });
    Go([&] {
      const std::unique_lock guard(rw);
      missed_writing.Wait();
    });
    Go([&] {
      const std::unique_lock guard(rw.RLocker());
      missed_reading.Wait();
    });
    waits.Join();  // comes to a dead end
  });
  EXPECT_EQ(result.schedules, 200);
  EXPECT_THAT(Rules(result), HasSubstr("cond-stuck"));
}

TEST(ExploreGone, SignalledWaitersTouchNoConditionThatIsGone) {
  const ExploreResult result = Explore(WithPolicy("random", 200), [] {
    RWMutex lock;
    Cond changed(lock.RLocker());
    bool waits = false;
    Go([&] {
      const std::unique_lock guard(lock.RLocker());
      waits = true;
      changed.Wait();
    });
    Go([&] {
      const std::unique_lock guard(lock);
      if (!waits) return;
      changed.Signal();
      Chan<int>::Nil().Recv();  // with the lock
    });
    Chan<int>().Recv();  // comes to a dead end
  });
  EXPECT_EQ(result.schedules, 200);
  EXPECT_THAT(Rules(result), HasSubstr("nil-channel"));
}

// A wait in a destructor that may not throw: the task and its world stay when all else is over.
TEST(ExploreGone, AWorldThatStaysIsToldOfWithoutItsPolicy) {
  struct WaitsAtItsEnd {
    ~WaitsAtItsEnd() { Chan<int>::Nil().Recv(); }
  };
  EXPECT_FALSE(Explore(WithPolicy("pct", 1), [] { Go([] { WaitsAtItsEnd waits; }); }).clean());
  const auto dump = detector::ReadDump(CaptureDump(), "what stays");
  ASSERT_TRUE(dump.ok()) << dump.status();
  std::vector<std::string> policies;
  for (const auto& world : (*dump)->snapshots.back().worlds.all()) {
    if (world.controlled) policies.emplace_back(world.policy);
  }
  EXPECT_THAT(policies, Contains("pct"));
}

}  // namespace
}  // namespace stranded
