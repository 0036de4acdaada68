// What leak checks cost a suite of very many tiny tests.
//
// A thousand tests start four tasks each. They are run again and again by GoogleTest, by turns with
// the listener that checks and without; the medians are compared. STRANDED_OPTIONS chooses the
// schedule, as for any test. GoogleTest prints its lines, unless SUITE_BENCH_QUIET is set; what was
// measured goes to standard error.
#include <gtest/gtest.h>
#include <stranded/channel.h>
#include <stranded/gtest.h>
#include <stranded/internal/check_support.h>
#include <stranded/options.h>
#include <stranded/task.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

namespace stranded::bench {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int kTests = 1000;
constexpr int kRounds = 60;

class Tiny : public testing::Test {
 public:
  void TestBody() override {
    const Chan<int> parts;
    std::vector<TaskHandle> tasks;
    for (int i = 1; i <= 4; ++i) tasks.push_back(Go([=] { parts.Send(i); }));
    int sum = 0;
    for (int i = 1; i <= 4; ++i) sum += *parts.Recv();
    for (const TaskHandle& task : tasks) task.Join();
    EXPECT_EQ(sum, 10);
  }
};

// Checks in every other round; in the others the world is the same, and nobody looks.
class EveryOther : public testing::EmptyTestEventListener {
 public:
  void OnTestIterationStart(const testing::UnitTest&, int round) override {
    checks_ = round % 2 == 0;
    begun_ = Clock::now();
  }
  void OnTestStart(const testing::TestInfo& test) override {
    if (checks_) {
      listener_.OnTestStart(test);
    } else if (GetOptions().schedule != "threads") {
      world_ = internal::EnterControlledWorld(test.name(), GetOptions().seed);
    }
  }
  void OnTestEnd(const testing::TestInfo& test) override {
    if (checks_) listener_.OnTestEnd(test);
    if (world_ != nullptr) internal::LeaveControlledWorld(std::exchange(world_, nullptr));
  }
  void OnTestIterationEnd(const testing::UnitTest& tests, int round) override {
    const std::chrono::duration<double, std::milli> took = Clock::now() - begun_;
    listener_.OnTestIterationEnd(tests, round);
    if (round >= 2) (checks_ ? checked_ : plain_).push_back(took.count());
  }
  void Tell() {
    const double checked = Median(checked_), plain = Median(plain_);
    std::fprintf(
        stderr,
        "%d tests: %.3f ms with checks, %.3f ms without: checks are %.1f %% (%.2f us each)\n",
        kTests, checked, plain, 100 * (checked - plain) / checked,
        1000 * (checked - plain) / kTests);
  }

 private:
  static double Median(std::vector<double>& times) {
    std::nth_element(times.begin(), times.begin() + times.size() / 2, times.end());
    return times[times.size() / 2];
  }
  LeakCheckListener listener_;
  internal::ControlledWorld* world_ = nullptr;
  bool checks_ = false;
  Clock::time_point begun_;
  std::vector<double> checked_, plain_;
};

int Main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  testing::GTEST_FLAG(repeat) = kRounds;
  for (int i = 0; i < kTests; ++i) {
    testing::RegisterTest("Tiny", std::to_string(i).c_str(), nullptr, nullptr, __FILE__, __LINE__,
                          []() -> Tiny* { return new Tiny; });
  }
  testing::TestEventListeners& listeners = testing::UnitTest::GetInstance()->listeners();
  if (std::getenv("SUITE_BENCH_QUIET") != nullptr) {
    delete listeners.Release(listeners.default_result_printer());
  }
  auto* every_other = new EveryOther;
  listeners.Append(every_other);  // which owns it
  const int result = RUN_ALL_TESTS();
  every_other->Tell();
  return result;
}

}  // namespace
}  // namespace stranded::bench

int main(int argc, char** argv) { return stranded::bench::Main(argc, argv); }
