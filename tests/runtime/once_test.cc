#include "stranded/once.h"

#include <gtest/gtest.h>

#include <stdexcept>
#include <vector>

#include "stranded/errors.h"
#include "stranded/gtest.h"
#include "stranded/mutex.h"
#include "stranded/wait_group.h"
#include "tests/runtime/sync_test_support.h"

namespace stranded {
namespace {

using internal::WaitKind;

TEST(Once, RunsOneFunctionOnceAndAllSeeWhatItDid) {
  Once once;
  int value = 0;  // plain: Do must order the write before every return
  WaitGroup wg;
  for (int t = 0; t < 10; ++t) {
    wg.Go([&] {
      once.Do([&] {
        this_task::Yield();
        ++value;
      });
      EXPECT_EQ(value, 1);
    });
  }
  wg.Wait();
  once.Do([&] { ++value; });
  EXPECT_EQ(value, 1);
}

TEST(Once, TheSecondCallerWaitsForTheFirst) {
  Once once;
  Mutex gate;
  gate.Lock();
  TaskHandle first = Go([&] { once.Do([&] { MutexLock lock(gate); }); });
  AwaitParked(first.Id(), WaitKind::kMutexLock);
  TaskHandle second = Go([&] { once.Do([] { FAIL() << "the first runs already"; }); });
  const internal::WaitRecord wait = AwaitParked(second.Id(), WaitKind::kOnceWait);
  EXPECT_EQ(wait.sync->holder, first.Id().value);
  gate.Unlock();
  first.Join();
  second.Join();
}

TEST(Once, AFunctionThatThrowsCountsAsDone) {
  Once once;
  Mutex gate;
  gate.Lock();
  TaskHandle first = Go([&] {
    once.Do([&] {
      MutexLock lock(gate);
      throw std::runtime_error("first");
    });
  });
  AwaitParked(first.Id(), WaitKind::kMutexLock);
  TaskHandle second = Go([&] { once.Do([] { FAIL() << "must not run"; }); });
  AwaitParked(second.Id(), WaitKind::kOnceWait);
  gate.Unlock();
  EXPECT_THROW(first.Join(), std::runtime_error);
  second.Join();
  once.Do([] { FAIL() << "must not run"; });
}

TEST(Once, DoInsideItsOwnFunctionIsADeadEnd) {
  ExpectDeadEnd();
  Once once;
  EXPECT_THROW(once.Do([&] { once.Do([] {}); }), GlobalDeadlockError);
}

}  // namespace
}  // namespace stranded
