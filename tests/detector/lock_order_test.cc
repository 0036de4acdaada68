// Locks taken in opposite orders, in the events of more than one thread.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/detector/dump_builder.h"

namespace stranded::detector {
namespace {

constexpr std::uint16_t kSpawn = 1, kPark = 4, kLock = 10, kUnlock = 11;
constexpr Id kGuard = 20, kOne = 21, kOther = 22;

Event In(std::uint16_t ring, std::uint16_t kind, Id task, Id object, SiteId site = 0) {
  Event e;
  e.ring = ring;
  e.kind = kind;
  e.task = task;
  e.object = object;
  e.site = site;
  return e;
}

// Task 3 takes one and then the other, task 4 the other way round. With `guard` each holds a third
// lock meanwhile; task 3 parks in between, and goes on in the other ring if it `moves`.
std::string Found(bool guard, bool moves) {
  DumpBuilder dump;
  const SiteId at = dump.At("a.cc", 1), one = dump.At("a.cc", 2), other = dump.At("a.cc", 3);
  dump.Add(Quiet());
  const std::uint16_t later = moves ? 2 : 1;
  std::vector<Event> first = {In(1, kSpawn, 1, 0, at)}, second = {In(2, kSpawn, 1, 0, at)};
  if (guard) first.push_back(In(1, kLock, 3, kGuard, at));
  first.push_back(In(1, kPark, 3, 0, at));
  std::vector<Event>& then = moves ? second : first;
  then.push_back(In(later, kLock, 3, kOne, one));
  then.push_back(In(later, kLock, 3, kOther, other));
  then.push_back(In(later, kUnlock, 3, kOther));
  then.push_back(In(later, kUnlock, 3, kOne));
  if (guard) then.push_back(In(later, kUnlock, 3, kGuard));
  if (guard) second.push_back(In(2, kLock, 4, kGuard, at));
  second.push_back(In(2, kLock, 4, kOther, other));
  second.push_back(In(2, kLock, 4, kOne, one));
  dump.Add(first).Add(second).End();
  return Rules(Examine(dump));
}

TEST(LockOrder, IsFoundBetweenThreads) {
  EXPECT_EQ(Found(false, false), "lock-order");
  EXPECT_EQ(Found(false, true), "lock-order");
}

TEST(LockOrder, ALockAroundBothKeepsThemApartAlsoOverAPark) {
  EXPECT_EQ(Found(true, false), "");
  EXPECT_EQ(Found(true, true), "");
}

}  // namespace
}  // namespace stranded::detector
