// Tests that are meant to fail, and neighbours that must not: tests/cli/gtest_glue_test.py looks
// on.
#include <stranded/gtest.h>
#include <stranded/internal/check_support.h>
#include <stranded/stranded.h>

#include <chrono>
#include <future>

namespace stranded {
namespace {

void StrandOne() {
  auto [ctx, cancel] = WithCancel(Background());
  Chan<int> answers;
  Go({.name = "stranded"}, ctx, [answers] { answers.Send(1); });
  cancel();
}

TEST(Planted, Leaks) { StrandOne(); }

TEST(Planted, LeaksAlike) { StrandOne(); }

TEST(Planted, TheNextTestPasses) {
  Chan<int> c;
  Go([c] { c.Send(1); });
  EXPECT_EQ(c.Recv(), 1);
}

TEST(Planted, FailsByItselfAndLeaks) {
  StrandOne();
  EXPECT_EQ(1, 2) << "its own failure";
}

TEST(Planted, AnExpectedLeakPasses) {
  ExpectLeak("cancelled-send", 1);
  StrandOne();
}

TEST(Planted, AnIgnoredLeakPasses) {
  IgnoreLeaks("StrandOne");
  StrandOne();
}

TEST(Planted, AnExpectedLeakThatDoesNotComeFails) { ExpectLeak("lost-cancel"); }

TEST(Expects, ARuleThatThereIsNot) { ExpectLeak("no-such-rule"); }

TEST(Expects, ToIgnoreWhatHasNoName) {
  IgnoreLeaks("");
  StrandOne();
}

TEST(Expects, ADeadEndThatDoesNotCome) { ExpectDeadEnd(); }

TEST(Planted, DeadEnd) {
  Chan<int> c;
  Mutex mutex;
  mutex.Lock();
  Go({.name = "locker"}, Background(), [&mutex] { mutex.Lock(); });
  c.Recv();
}

TEST(Planted, AnExpectedDeadEndPasses) {
  ExpectDeadEnd();
  Chan<int> c;
  c.Recv();
}

// Whoever handles everything handles this, too: what follows is part of the test.
TEST(Planted, AnExpectedDeadEndIsAnExceptionLikeOthers) {
  ExpectDeadEnd();
  Chan<int> c;
  bool handled = false;
  try {
    c.Recv();
  } catch (const std::exception&) {
    handled = true;
  }
  EXPECT_TRUE(handled);
  EXPECT_THROW(c.Recv(), std::runtime_error);
  ADD_FAILURE() << "the end of the test";
}

TEST(Planted, LeaksInAPool) {
  static Pool* const pool = new Pool({.workers = 1, .name = "keeps"});
  Chan<int> c;
  pool->Go([c] { c.Recv(); });
}

// Nobody else could send to main, and a thread is nobody that the scheduler can see.
TEST(Outside, AThreadAtWorkIsWaitedFor) {
  Chan<int> values;
  const auto thread = std::async(std::launch::async, [values] {
    values.Send(1);
    const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(20);
    while (std::chrono::steady_clock::now() < end) {
    }
    values.Close();
  });
  while (values.Recv().has_value()) {
  }
}

// A plain run and an exploration must say the same of these.
TEST(Timers, ATaskThatATimerStartsLaterLeaks) {
  if (!internal::InControlledWorld()) GTEST_SKIP() << "on real threads it comes after the test";
  ExpectLeak("abandoned-send", 1);
  Chan<int> c;
  TimerFunc(absl::Milliseconds(5), [c] { c.Send(1); });
}

TEST(Timers, ATimeoutDoesNotHideALostCancel) {
  ExpectLeak("lost-cancel", 1);
  auto [ctx, cancel] = WithTimeout(Background(), absl::Milliseconds(100));
  EXPECT_TRUE(ctx.Err().ok());
}

TEST(Planted, TheTestAfterADeadEndPasses) {
  Chan<int> c(1);
  c.Send(1);
  EXPECT_EQ(c.Recv(), 1);
}

TEST(Planted, FailsInATaskThatItLeavesRunning) {
  Go([] { EXPECT_STREQ("late", "in time"); });
}

TEST(Planted, LeakScopesAreToldApart) {
  LeakScope outer("outer");
  {
    LeakScope inner("inner");
    Chan<int> c;
    Go([c] { c.Send(1); });
    EXPECT_EQ(c.Recv(), 1);
    EXPECT_TRUE(inner.Check().clean());
  }
  ExpectLeak("cancelled-send");
  StrandOne();
  EXPECT_EQ(outer.Check().findings().size(), 1U);
  LeakScope later("later");
  EXPECT_TRUE(later.Check().clean());  // what stood there before is not its own
}

}  // namespace
}  // namespace stranded
