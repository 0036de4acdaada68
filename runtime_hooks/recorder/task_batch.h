// Parked tasks that are alike, column by column.
//
// Overview: a crowd of tasks that wait at one place differs in ids and times only. Those behind the
// first few of each shape go into a batch that names one of them, and take about a dozen bytes
// each. What
// the batch cannot hold (threads, held locks, stacks, names that are long) is for packets of their
// own. Thread safety: one writer, one thread. Not for fatal signals: it allocates. Invariants: a
// batch names only tasks that were written before it. Ownership: holds no references.
#ifndef STRANDED_RUNTIME_HOOKS_RECORDER_TASK_BATCH_H_
#define STRANDED_RUNTIME_HOOKS_RECORDER_TASK_BATCH_H_

#include <array>
#include <cstddef>
#include <cstdint>

#include "runtime_hooks/channel/chan_core.h"
#include "runtime_hooks/recorder/known_shapes.h"
#include "runtime_hooks/recorder/packet_writer.h"
#include "runtime_hooks/recorder/row_column.h"
#include "runtime_hooks/scheduler/task.h"

namespace stranded::internal {

class TaskBatch {
 public:
  // `stacks`: so many tasks of a shape, at the least, get packets of their own.
  TaskBatch(PacketWriter& out, int stacks) : out_(out), known_(stacks) {}

  // Takes the task, which must be frozen, into the batch. False: the caller writes its packet.
  bool Take(const Task& task);
  void Flush();

 private:
  static constexpr std::uint32_t kMostCases = 8;
  static constexpr std::size_t kMostObjects = 2 * kMostCases + 2;

  static bool Describe(const Task& task, RowShape& shape);
  static bool DescribeCases(const WaitRecord& wait, RowShape& shape);
  void AddObjects(const Task& task);
  void MakeRoom();
  void AddObject(std::size_t place, std::uint64_t id) {
    objects_.Put(id - objects_before_[place]);
    objects_before_[place] = id;
  }

  PacketWriter& out_;
  KnownShapes known_;
  RowShape shape_;
  std::uint32_t count_ = 0;
  std::uint32_t rows_left_ = 0;  // that fit for certain
  // Together, with their heads, they stay below a packet's 32 KiB.
  RowColumn<2400> like_, id_, parent_, context_, created_, since_, parks_, group_;
  RowColumn<8192> objects_;
  std::array<std::uint64_t, kMostObjects> objects_before_{};
};

// Of a plain operation without a look at the parked stack: in a crowd each of those is a page that
// nobody touched for long.
inline SelectCase CaseOf(const WaitRecord& wait, std::uint32_t number) {
  if (wait.chan == nullptr) return wait.cases[number];
  SelectCase only;
  only.chan = const_cast<ChanCore*>(wait.chan);
  only.site = wait.site;
  only.op = wait.kind == WaitKind::kChanSend ? CaseOp::kSend : CaseOp::kRecv;
  return only;
}

// Sync objects are named by waits of these kinds only.
inline bool IsSyncWait(WaitKind kind) {
  return kind >= WaitKind::kMutexLock && kind <= WaitKind::kSemaphoreAcquire;
}

}  // namespace stranded::internal

#endif  // STRANDED_RUNTIME_HOOKS_RECORDER_TASK_BATCH_H_
