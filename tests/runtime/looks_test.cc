// Loops that only look: Err(), Now(), Finished(), the length of a channel. In a controlled world
// whoever looks again and again lets others go on, and time.
#include <gtest/gtest.h>

#include <mutex>

#include "stranded/channel.h"
#include "stranded/context.h"
#include "stranded/internal/check_support.h"
#include "stranded/task.h"
#include "stranded/time.h"

namespace stranded {
namespace {

constexpr absl::Duration kTimeout = absl::Milliseconds(20);

class Looks : public testing::TestWithParam<std::uint64_t> {
 public:
  void SetUp() override { world_ = internal::EnterControlledWorld("looks", GetParam()); }
  void TearDown() override { EXPECT_EQ(internal::LeaveControlledWorld(world_), 0u); }

 private:
  internal::ControlledWorld* world_ = nullptr;
};
INSTANTIATE_TEST_SUITE_P(Seeds, Looks, testing::Range<std::uint64_t>(1, 6));

TEST_P(Looks, ATimeoutEndsALoopThatAsksForIt) {
  auto [ctx, cancel] = WithTimeout(Background(), kTimeout);
  const TaskHandle works = Go(ctx, [ctx = ctx] {
    while (ctx.Err().ok()) {
    }
  });
  works.Join();
  EXPECT_EQ(ctx.Err().code(), absl::StatusCode::kDeadlineExceeded);
  cancel();
}

TEST_P(Looks, AnotherTaskMayEndIt) {
  auto [ctx, cancel] = WithCancel(Background());
  const Chan<int> begun(1);
  const TaskHandle works = Go(ctx, [ctx = ctx, begun] {
    begun.Send(1);
    while (ctx.Err().ok()) {
    }
  });
  begun.Recv();
  cancel();
  works.Join();
}

TEST_P(Looks, TheClockGoesOn) {
  const absl::Time end = Now() + kTimeout;
  while (Now() < end) {
  }
}

TEST_P(Looks, AChannelFills) {
  const Chan<int> values(3);
  const TaskHandle sends = Go([values] {
    for (int i = 0; i < 3; ++i) values.Send(i);
  });
  while (values.size() < 3) {
  }
  while (!sends.Finished()) {
  }
}

// The other task would wait for the lock on the one thread that both have.
TEST_P(Looks, NobodyElseRunsAtALook) {
  std::mutex mutex;
  auto [ctx, cancel] = WithCancel(Background());
  const TaskHandle other = Go([&mutex] { const std::lock_guard lock(mutex); });
  {
    const std::lock_guard lock(mutex);
    for (int i = 0; i < 100; ++i) EXPECT_TRUE(ctx.Err().ok());
    EXPECT_FALSE(other.Finished());
  }
  other.Join();
  cancel();
}

}  // namespace
}  // namespace stranded
