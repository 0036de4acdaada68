#include "runtime_hooks/recorder/unwind.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "runtime_hooks/recorder/freeze.h"
#include "stranded/channel.h"
#include "stranded/task.h"
#include "tests/runtime/sync_test_support.h"

namespace stranded {
namespace {

using internal::Backtrace;
using internal::WaitKind;
using ::testing::Contains;
using ::testing::HasSubstr;

std::uint64_t in_middle = 0, in_outer = 0;  // where the calls below return to

__attribute__((noinline)) void Inner(const Chan<int>& chan) {
  in_middle = reinterpret_cast<std::uint64_t>(__builtin_return_address(0));
  chan.Recv();
  asm volatile("" ::: "memory");  // no tail call
}

__attribute__((noinline)) void Middle(const Chan<int>& chan) {
  in_outer = reinterpret_cast<std::uint64_t>(__builtin_return_address(0));
  Inner(chan);
  asm volatile("" ::: "memory");
}

Backtrace StackOf(TaskId id) {
  Backtrace trace;
  internal::TaskSlab().ForEach(
      [&](internal::Task* task) {
        if (task->id != id.value || !internal::Freeze(task)) return;
        internal::UnwindParked(*task, &trace);
        internal::Thaw(task);
      },
      [](internal::Task* task) { internal::UnrefTask(task); });
  return trace;
}

TEST(UnwindTest, StackHoldsTheFunctionsThatBlock) {
#if !defined(__x86_64__)
  GTEST_SKIP() << "stacks of tasks are read on x86-64 only";
#endif
  const Chan<int> chan;
  const TaskHandle task = Go([chan] {
    Middle(chan);
    asm volatile("" ::: "memory");
  });
  AwaitParked(task.Id(), WaitKind::kChanRecv);
  const Backtrace trace = StackOf(task.Id());
  chan.Close();
  task.Join();
  const std::vector<std::uint64_t> pcs(trace.pcs, trace.pcs + trace.count);
  EXPECT_THAT(pcs, Contains(in_middle));
  EXPECT_THAT(pcs, Contains(in_outer));
  EXPECT_EQ(trace.note, nullptr) << trace.note;
}

__attribute__((noinline)) int Recurse(const Chan<int>& chan, int depth) {
  if (depth == 0) chan.Recv();
  const int below = depth == 0 ? 0 : Recurse(chan, depth - 1);
  asm volatile("" ::: "memory");
  return below + 1;
}

TEST(UnwindTest, DeepStackSaysThatItIsCut) {
#if !defined(__x86_64__)
  GTEST_SKIP() << "stacks of tasks are read on x86-64 only";
#endif
  const Chan<int> chan;
  const TaskHandle task = Go([chan] { EXPECT_EQ(Recurse(chan, 100), 101); });
  AwaitParked(task.Id(), WaitKind::kChanRecv);
  const Backtrace trace = StackOf(task.Id());
  chan.Close();
  task.Join();
  EXPECT_EQ(trace.count, internal::kMostFrames);
  ASSERT_NE(trace.note, nullptr);
  EXPECT_THAT(std::string(trace.note), HasSubstr("left out"));
}

}  // namespace
}  // namespace stranded
