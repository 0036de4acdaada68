// Dead ends in destructors: a wait there returns, where its exception would end the process.
#include <gtest/gtest.h>

#include "runtime_hooks/scheduler/sanitizers.h"
#include "stranded/gtest.h"
#include "stranded/stranded.h"

namespace stranded {
namespace {

template <class Stop>
class StopsAtItsEnd {
 public:
  explicit StopsAtItsEnd(Stop stop) : stop_(std::move(stop)) {}
  ~StopsAtItsEnd() { stop_(); }

 private:
  Stop stop_;
};

class DeadEndInDestructor : public ::testing::Test {
 protected:
  void SetUp() override {
#if defined(__clang__) || defined(STRANDED_TSAN) || defined(STRANDED_ASAN)
    GTEST_SKIP() << "noexcept functions look like others there: see throwing.h";
#endif
  }
};

TEST_F(DeadEndInDestructor, WaitGroup) {
  ExpectDeadEnd();
  WaitGroup group;
  group.Add(1);
  StopsAtItsEnd server([&] { group.Wait(); });
}

TEST_F(DeadEndInDestructor, Join) {
  ExpectDeadEnd();
  ExpectLeak("abandoned-send");
  Chan<int> results;
  auto task = Go([results] { results.Send(1); });
  StopsAtItsEnd server([&] { task.Join(); });
}

TEST_F(DeadEndInDestructor, Receive) {
  ExpectDeadEnd();
  Chan<int> done;
  bool received = true;
  {
    StopsAtItsEnd server([&] { received = done.Recv().has_value(); });
  }
  EXPECT_FALSE(received);
}

TEST_F(DeadEndInDestructor, Send) {
  ExpectDeadEnd();
  Chan<int> stop;
  StopsAtItsEnd server([&] { stop.Send(1); });
}

TEST_F(DeadEndInDestructor, WhileItsExceptionIsOnItsWay) {
  ExpectDeadEnd();
  ExpectLeak("abandoned-send");
  Chan<int> results;
  auto task = Go([results] { results.Send(1); });
  StopsAtItsEnd server([&] { task.Join(); });
  Chan<int>().Recv();
}

TEST_F(DeadEndInDestructor, CaughtWithinIt) {
  ExpectDeadEnd();
  ExpectLeak("abandoned-send");
  bool caught = false;
  {
    Chan<int> results;
    auto task = Go([results] { results.Send(1); });
    StopsAtItsEnd server([&] {
      try {
        task.Join();
      } catch (const std::exception&) {
        caught = true;
      }
    });
  }
  EXPECT_TRUE(caught);
}

}  // namespace
}  // namespace stranded
