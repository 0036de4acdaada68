// Rows of batches that a merged reading must not take for anonymous, or for in another order.
#include <gtest/gtest.h>

#include "tests/detector/batch_rows.h"
#include "tests/detector/object_specs.h"

namespace stranded::detector {
namespace {

TaskSpec WithNode(TaskSpec spec) {
  spec.task.spawn = spec.task.id;
  return spec;
}

// A task with a spawn node of its own, as models of rows have.
void AddSpawned(DumpBuilder& dump, const TaskSpec& spec, SiteId at, Id parent = 0) {
  dump.Add(Spawned(spec.task.id, spec.task.id, parent, at)).Add(WithNode(spec));
}

std::vector<RowSpec> Rows(Id like, Id first, std::size_t count, std::vector<Id> objects) {
  std::vector<RowSpec> rows;
  for (std::size_t i = 0; i < count; ++i) {
    rows.push_back({.like = like, .id = first + i, .objects = objects});
  }
  return rows;
}

Sync CountedBy(Id id, SiteId at, std::int64_t counter) {
  Sync group = Lock(id, 0, at, SyncKind::kWaitGroup);
  group.counter = counter;
  group.last_add = LastBy(2, at);
  return group;
}

TEST(TaskRows, AModelWithoutANodeCostsItsOwnRowsOnly) {
  DumpBuilder dump;
  const SiteId a = dump.At("a.cc", 1), b = dump.At("b.cc", 2);
  dump.Add(Unbuffered(1, a)).Add(WithNode(Receiver(10, 1, a)));  // its spawn packet was damaged
  AddSpawned(dump, Receiver(11, 1, b), b);
  AddRows(dump, Rows(10, 100, 50, {1}));
  AddRows(dump, Rows(11, 200, 50, {1}));
  ExpectTheSame(dump.End().bytes());
}

TEST(TaskRows, TwoSnapshotsThatBecameOneAreNotCountedTwice) {
  DumpBuilder dump;
  const SiteId at = dump.At("a.cc", 1);
  for (int round = 0; round < 2; ++round) {
    dump.Add(Unbuffered(1, at));
    AddSpawned(dump, Receiver(10, 1, at), at);
    AddRows(dump, Rows(10, 100, 50, {1}));
    dump.End();  // and the beginning of the next one is lost
  }
  ExpectTheSame(dump.bytes());
}

TEST(TaskRows, ARowMayBeTheModelOfAnother) {
  DumpBuilder dump;
  const SiteId at = dump.At("a.cc", 1);
  dump.Add(Unbuffered(1, at));
  AddSpawned(dump, Receiver(10, 1, at), at);
  AddRows(dump,
          {{.like = 10, .id = 100, .objects = {1}}, {.like = 100, .id = 101, .objects = {1}}});
  ExpectTheSame(dump.End().bytes());
}

// The records of tasks may lie in any order.
TEST(TaskRows, TheChildThatAWaitGroupMayCountIsThatWithTheSmallestId) {
  DumpBuilder dump;
  const SiteId a = dump.At("a.cc", 1), b = dump.At("b.cc", 2), spawned = dump.At("s.cc", 4);
  AddSpawned(dump, Waiter(2, WaitKind::kWaitGroupWait, 5, b), spawned);
  Channel served = Unbuffered(3, a);  // so that one row is named, and the others are not
  served.last_receiver = LastOn(105, b, PeerOutcome::kCompleted);
  dump.Add(CountedBy(5, b, 20)).Add(Unbuffered(1, a)).Add(served);
  AddSpawned(dump, Receiver(10, 1, a), spawned);
  AddSpawned(dump, Receiver(11, 1, b), spawned);
  std::vector<RowSpec> rows;
  for (Id id : {103, 102, 101, 100}) {
    rows.push_back({.like = 10, .id = id, .parent = 2, .objects = {1}});
  }
  rows.push_back({.like = 11, .id = 105, .parent = 2, .objects = {1}});
  AddRows(dump, rows);
  ExpectTheSame(dump.End().bytes());
}

TEST(TaskRows, MembersOfAGroupAreGoneThroughById) {
  DumpBuilder dump;
  const SiteId a = dump.At("a.cc", 1), b = dump.At("b.cc", 2), spawned = dump.At("s.cc", 4);
  AddSpawned(dump, Waiter(2, WaitKind::kWaitGroupWait, 5, b), spawned);
  Sync group = CountedBy(5, b, 5);
  group.role = SyncRole::kErrGroup;
  dump.Add(group).Add(Unbuffered(1, a));
  AddSpawned(dump, Receiver(10, 1, a), spawned);
  std::vector<RowSpec> rows = Rows(10, 100, 4, {1});
  for (RowSpec& row : rows) row.group = 5;
  AddRows(dump, rows);
  TaskSpec last = Receiver(200, 1, b);
  last.task.group = 5;
  AddSpawned(dump, last, spawned, 2);
  ExpectTheSame(dump.End().bytes());
}

// Before 1.4 dumps do not say that a task has spawned, and it may have done so after it was read.
TEST(TaskRows, WhoHasAChildStaysAlone) {
  DumpBuilder dump;
  dump.Add(Busy());
  const SiteId a = dump.At("a.cc", 1), b = dump.At("b.cc", 2), spawned = dump.At("s.cc", 4);
  Scope ended;
  ended.id = 9;
  ended.ended = true;
  dump.Add(Unbuffered(1, a)).Add(ended);
  TaskSpec model = Receiver(10, 1, a);
  model.task.scope = 9;
  AddSpawned(dump, model, spawned);
  AddRows(dump, Rows(10, 100, 4, {1}));
  AddSpawned(dump, InState(200, TaskState::kRunning), spawned, 102);
  TaskSpec stuck = Receiver(201, 1, b);
  stuck.task.scope = 9;
  AddSpawned(dump, stuck, spawned, 102);
  ExpectTheSame(dump.End().bytes());
}

TEST(TaskRows, TheWriterInFrontIsThatWithTheSmallestId) {
  DumpBuilder dump;
  const SiteId a = dump.At("a.cc", 1), b = dump.At("b.cc", 2), r = dump.At("r.cc", 5);
  Sync lock = Lock(5, 0, a, SyncKind::kRwMutex);
  lock.readers = 1;
  lock.last_add = LastBy(50, a);
  dump.Add(lock);
  AddSpawned(dump, Waiter(10, WaitKind::kRwMutexLock, 5, a), a);
  AddRows(dump, Rows(10, 100, 1, {5}));
  AddSpawned(dump, Waiter(200, WaitKind::kRwMutexLock, 5, b), b);
  AddSpawned(dump, Waiter(201, WaitKind::kRwMutexRLock, 5, r), r);
  ExpectTheSame(dump.End().bytes());
}

TEST(TaskRows, ADeadEndListsItsWaitsById) {
  DumpBuilder dump;
  World world = Quiet();
  world.deadlock = true;
  dump.Add(world);
  const SiteId a = dump.At("a.cc", 1), b = dump.At("b.cc", 2);
  dump.Add(Unbuffered(1, a));
  TaskSpec main = Receiver(1, 1, a);
  main.task.is_main = true;
  AddSpawned(dump, main, a);
  AddSpawned(dump, Receiver(10, 1, a), a);
  AddRows(dump, Rows(10, 100, 1, {1}));
  AddSpawned(dump, Receiver(50, 1, b), b);
  ExpectTheSame(dump.End().bytes());
}

}  // namespace
}  // namespace stranded::detector
