// Locks taken in opposite orders, in the events of one or more threads, and what keeps them apart.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/detector/dump_builder.h"

namespace stranded::detector {
namespace {

constexpr std::uint16_t kSpawn = 1, kFinish = 3, kPark = 4, kWake = 5, kSend = 6, kRecv = 7,
                        kClose = 8, kLock = 10, kUnlock = 11, kPass = 14;
constexpr Id kMain = 1, kFirst = 3, kSecond = 4, kGuard = 20, kOne = 21, kOther = 22;

Event In(std::uint16_t ring, std::uint16_t kind, Id task, Id object, SiteId site = 0) {
  Event e;
  e.ring = ring;
  e.kind = kind;
  e.task = task;
  e.object = object;
  e.site = site;
  return e;
}

// With an arg: who is spawned or woken, the kind of a wait.
Event Of(std::uint16_t ring, std::uint16_t kind, Id task, std::uint64_t arg, Id object = 0) {
  Event e = In(ring, kind, task, object);
  e.arg = arg;
  return e;
}
Event Waits(std::uint16_t ring, std::uint16_t kind, Id task, WaitKind wait, Id object = 0) {
  return Of(ring, kind, task, static_cast<std::uint64_t>(wait), object);
}

TaskSpec Main() {
  TaskSpec main = InState(kMain, TaskState::kRunning);
  main.task.is_main = true;
  return main;
}

// Task 3 takes one and then the other, task 4 the other way round. With `guard` each holds a third
// lock meanwhile; task 3 parks in between, and goes on in the other ring if it `moves`.
std::string Found(bool guard, bool moves) {
  DumpBuilder dump;
  const SiteId at = dump.At("a.cc", 1), one = dump.At("a.cc", 2), other = dump.At("a.cc", 3);
  dump.Add(Quiet()).Add(Main());
  const std::uint16_t later = moves ? 2 : 1;
  std::vector<Event> first = {Of(1, kSpawn, kMain, kFirst)};
  std::vector<Event> second = {Of(2, kSpawn, kMain, kSecond)};
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

using Events = std::vector<Event>;

Events Both(std::uint16_t ring, Id task, Id one, Id other, SiteId site) {
  return {In(ring, kLock, task, one, site), In(ring, kLock, task, other, site + 1),
          In(ring, kUnlock, task, other), In(ring, kUnlock, task, one)};
}

// The first task's two locks, `between`, and then the second task's, in the same ring or its own.
// `before` stands in front of all; main's events are in ring 1.
std::string Told(const Events& before, const Events& between, std::uint16_t first_ring = 1,
                 std::uint16_t second_ring = 1) {
  DumpBuilder dump;
  const SiteId a = dump.At("a.cc", 1);
  dump.At("a.cc", 2);
  const SiteId b = dump.At("b.cc", 1);
  dump.At("b.cc", 2);
  dump.Add(Quiet()).Add(Main());
  std::vector<Events> rings(4);
  const auto add = [&](const Events& events) {
    for (const Event& e : events) rings[e.ring].push_back(e);
  };
  add(before);
  add(Both(first_ring, kFirst, kOne, kOther, a));
  add(between);
  add(Both(second_ring, kSecond, kOther, kOne, b));
  for (const Events& events : rings) {
    if (!events.empty()) dump.Add(events);
  }
  dump.End();
  return Rules(Examine(dump));
}

const Event kStartsFirst = Of(1, kSpawn, kMain, kFirst);
const Event kStartsSecond = Of(1, kSpawn, kMain, kSecond);

TEST(LockOrder, TasksThatWereBothThereCanMeetAlsoIfOneEndedFirst) {
  EXPECT_EQ(Told({kStartsFirst, kStartsSecond}, {In(1, kFinish, kFirst, 0)}), "lock-order");
  // Nobody waited for the first one's end: it could have come later.
  EXPECT_EQ(Told({kStartsFirst}, {In(1, kFinish, kFirst, 0), kStartsSecond}), "lock-order");
}

TEST(LockOrder, AJoinKeepsThemApart) {
  const Event parks = Waits(1, kPark, kMain, WaitKind::kJoin);
  const Event wakes = Of(1, kWake, kFirst, kMain);
  EXPECT_EQ(Told({kStartsFirst, parks}, {In(1, kFinish, kFirst, 0), wakes, kStartsSecond}), "");
  const Event passes = Waits(1, kPass, kMain, WaitKind::kJoin, kFirst);
  EXPECT_EQ(Told({kStartsFirst}, {In(1, kFinish, kFirst, 0), passes, kStartsSecond}), "");
}

TEST(LockOrder, TheJoinOfAnotherTaskDoesNot) {
  const Event passes = Waits(1, kPass, kMain, WaitKind::kJoin, 9);
  EXPECT_EQ(Told({kStartsFirst, Of(1, kSpawn, kMain, 9)}, {passes, kStartsSecond}), "lock-order");
}

TEST(LockOrder, WhatIsToldByAChannelKeepsThemApart) {
  const Event sends = In(1, kSend, kFirst, 7), receives = In(1, kRecv, kMain, 7);
  EXPECT_EQ(Told({kStartsFirst}, {sends, receives, kStartsSecond}), "");
  EXPECT_EQ(Told({kStartsFirst}, {sends, In(1, kRecv, kMain, 8), kStartsSecond}), "lock-order");
  const Event passes = Waits(1, kPass, kMain, WaitKind::kChanRecv, 7);
  EXPECT_EQ(Told({kStartsFirst}, {In(1, kClose, kFirst, 7), passes, kStartsSecond}), "");
  // Main sends, and goes on when the first one has received.
  const Event gives = In(1, kSend, kMain, 7), takes = In(1, kRecv, kFirst, 7);
  EXPECT_EQ(Told({kStartsFirst}, {gives, takes, Of(1, kWake, kFirst, kMain), kStartsSecond}), "");
  EXPECT_EQ(Told({kStartsFirst}, {gives, takes, kStartsSecond}), "");
}

TEST(LockOrder, AWaitGroupKeepsThemApart) {
  const Event parks = Waits(1, kPark, kMain, WaitKind::kWaitGroupWait);
  EXPECT_EQ(Told({kStartsFirst, parks}, {Of(1, kWake, 9, kMain), kStartsSecond}), "");
  const Event passes = Waits(1, kPass, kMain, WaitKind::kWaitGroupWait, 5);
  EXPECT_EQ(Told({kStartsFirst}, {passes, kStartsSecond}), "");
}

TEST(LockOrder, ALockThatIsHandedOverDoesNot) {
  const Event parks = Waits(1, kPark, kSecond, WaitKind::kMutexLock);
  const Events handed = {In(1, kUnlock, kFirst, kOne), Of(1, kWake, kFirst, kSecond)};
  EXPECT_EQ(Told({kStartsFirst, kStartsSecond, parks}, handed), "lock-order");
}

// The first task takes a lock, the second one unlocks it and takes it again, in the other order.
TEST(LockOrder, WhoUnlocksForAnotherTaskDoesNotWaitForIt) {
  for (const bool hands_over : {true, false}) {
    DumpBuilder dump;
    const SiteId a = dump.At("a.cc", 1);
    dump.At("a.cc", 2);
    Events first = Both(1, kFirst, kOne, kOther, a);
    first.back().task = hands_over ? kSecond : kFirst;
    dump.Add(Quiet()).Add(Main()).Add(Events{kStartsFirst, kStartsSecond}).Add(first);
    dump.Add(Both(1, kSecond, kOther, kOne, a)).End();
    EXPECT_EQ(Rules(Examine(dump)), hands_over ? "" : "lock-order");
  }
}

TEST(LockOrder, OrderIsKnownAlsoAcrossThreads) {
  // Rings are read one after the other, the first task's last.
  const Event parks = Waits(1, kPark, kMain, WaitKind::kJoin);
  const Event ends = In(3, kFinish, kFirst, 0), wakes = Of(3, kWake, kFirst, kMain);
  EXPECT_EQ(Told({kStartsFirst, parks}, {ends, wakes, kStartsSecond}, 3, 2), "");
  EXPECT_EQ(Told({kStartsFirst, kStartsSecond, parks}, {ends, wakes}, 3, 2), "lock-order");
}

TEST(LockOrder, NothingIsSaidOfTasksThatBeganOutside) {
  EXPECT_EQ(Told({}, {}), "");
  EXPECT_EQ(Told({kStartsFirst}, {}), "");
}

// Nor of what they started, however far up.
TEST(LockOrder, NothingIsSaidWhereAnAncestorBeganOutside) {
  const Events outside = {Of(1, kSpawn, 7, kFirst), Of(1, kSpawn, 7, kSecond)};
  EXPECT_EQ(Told(outside, {}), "");
  const Events inside = {Of(1, kSpawn, kMain, 8), Of(1, kSpawn, 8, 7), outside[0], outside[1]};
  EXPECT_EQ(Told(inside, {}), "lock-order");
}

TEST(LockOrder, ALockTriedAsTheSecondDoesNotWait) {
  constexpr std::uint64_t kTried = 2;
  for (const std::uint64_t arg : {std::uint64_t{0}, kTried}) {
    DumpBuilder dump;
    const SiteId a = dump.At("a.cc", 1);
    dump.At("a.cc", 2);
    dump.Add(Quiet()).Add(Main()).Add(Events{kStartsFirst, kStartsSecond});
    Events second = Both(1, kSecond, kOther, kOne, a);
    second[1].arg = arg;
    dump.Add(Both(1, kFirst, kOne, kOther, a)).Add(second).End();
    EXPECT_EQ(Rules(Examine(dump)), arg == 0 ? "lock-order" : "");
  }
}

// What main held when it started one of them only matters if it held it for the other, too.
TEST(LockOrder, ALockThatTheirParentsHoldKeepsThemApart) {
  const Event locks = In(1, kLock, kMain, kGuard), unlocks = In(1, kUnlock, kMain, kGuard);
  EXPECT_EQ(Told({locks, kStartsFirst, unlocks, locks, kStartsSecond, unlocks}, {}), "");
  EXPECT_EQ(Told({locks, kStartsFirst, unlocks, kStartsSecond}, {}), "lock-order");
  // In a ring that stands behind those of the two.
  Events later = {In(3, kLock, kMain, kGuard), Of(3, kSpawn, kMain, kFirst),
                  Of(3, kSpawn, kMain, kSecond), In(3, kUnlock, kMain, kGuard)};
  EXPECT_EQ(Told(later, {}, 1, 2), "");
  later[0].object = later[3].object = 99;
  later.insert(later.begin() + 2, {later[3], In(3, kLock, kMain, 98)});
  later.back().object = 98;
  EXPECT_EQ(Told(later, {}, 1, 2), "lock-order");
}

TEST(LockOrder, OneThatStartedTheOtherCanMeetIt) {
  EXPECT_EQ(Told({Of(1, kSpawn, kFirst, kSecond)}, {}), "lock-order");
  EXPECT_EQ(Told({}, {Of(1, kSpawn, kFirst, kSecond)}), "");
}

TEST(LockOrder, SaysWhichLockIsWhich) {
  DumpBuilder dump;
  const SiteId a = dump.At("a.cc", 1);
  dump.At("a.cc", 2);
  dump.Add(Quiet()).Add(Main()).Add(Events{kStartsFirst, kStartsSecond});
  dump.Add(Both(1, kFirst, kOne, kOther, a)).Add(Both(1, kSecond, kOther, kOne, a)).End();
  const std::string text = AllText(Only(Examine(dump), "lock-order"));
  EXPECT_NE(text.find("task 3 held lock 21, taken at a.cc:1, and took lock 22 at a.cc:2"),
            std::string::npos)
      << text;
}

}  // namespace
}  // namespace stranded::detector
