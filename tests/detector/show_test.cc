// What the pages of locks and the like call their peers.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "stranded/dump_reader.h"
#include "stranded/report.h"
#include "tests/detector/dump_builder.h"
#include "tests/detector/object_specs.h"

namespace stranded::detector {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(Show, ASemaphoreHasUnitsThatAreTakenAndReturned) {
  DumpBuilder dump;
  const SiteId at = dump.At("a.cc", 5), back = dump.At("a.cc", 7);
  Sync units = Lock(2, 0, at, SyncKind::kSemaphore);
  units.counter = 1;
  units.limit = 4;
  units.last_add = LastBy(6, at);
  units.last_done = LastBy(8, back);
  dump.Add(units).Add(Waiter(7, WaitKind::kSemaphoreAcquire, 2, at)).End();
  const std::string page = ShowSync(Examine(dump), 2, {});
  EXPECT_THAT(page, HasSubstr("1 of 4 free"));
  EXPECT_THAT(page, ::testing::ContainsRegex("taken +last by task 6"));
  EXPECT_THAT(page, ::testing::ContainsRegex("returned +last by task 8"));
  EXPECT_THAT(page, Not(HasSubstr("added")));
}

TEST(Show, AGroupNamesWhomItCounts) {
  DumpBuilder dump;
  const SiteId at = dump.At("a.cc", 5);
  Sync group = Lock(2, 0, at, SyncKind::kWaitGroup);
  group.counter = 1;
  TaskSpec member = Sender(8, 3, at);
  member.task.group = 2;
  dump.Add(group).Add(Unbuffered(3, at)).Add(member);
  dump.Add(Waiter(7, WaitKind::kWaitGroupWait, 2, at)).End();
  const Analysis analysis = Examine(dump);
  EXPECT_THAT(ShowSync(analysis, 2, {}), ::testing::ContainsRegex("counts +task 8"));
  EXPECT_THAT(ShowTask(analysis, 8, {}), HasSubstr("by the WaitGroup made at a.cc:5"));
}

TEST(Show, AWriterThatStandsBeforeHoldsNothing) {
  DumpBuilder dump;
  const SiteId at = dump.At("a.cc", 5);
  dump.Add(Lock(2, 0, at, SyncKind::kRwMutex)).Add(Waiter(7, WaitKind::kRwMutexLock, 2, at));
  dump.Add(Waiter(8, WaitKind::kRwMutexRLock, 2, at)).End();
  EXPECT_THAT(ShowTask(Examine(dump), 8, {}), HasSubstr("behind the writer task 7"));
}

}  // namespace
}  // namespace stranded::detector
