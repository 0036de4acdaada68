// Parked tasks that are alike, column by column.
//
// Overview: a crowd of tasks that wait at one place differs in ids and times only. The first few of
// each shape are written as packets of their own, which people can read in a dump of few shapes;
// all later ones go into a batch that names one of them, and take about a dozen bytes each. What
// the batch cannot hold (threads, held locks, stacks, names that are long) is for packets of their
// own. Thread safety: one writer, one thread. Not for fatal signals: it allocates. Invariants: a
// batch names only tasks that were written before it. Ownership: holds no references.
#ifndef STRANDED_RUNTIME_HOOKS_RECORDER_TASK_BATCH_H_
#define STRANDED_RUNTIME_HOOKS_RECORDER_TASK_BATCH_H_

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <source_location>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "runtime_hooks/channel/chan_core.h"
#include "runtime_hooks/recorder/packet_writer.h"
#include "runtime_hooks/scheduler/task.h"

namespace stranded::internal {

class TaskBatch {
 public:
  // `stacks`: so many tasks of a shape, at the least, get packets of their own.
  TaskBatch(PacketWriter& out, int stacks) : out_(out), stacks_(stacks) {}

  // Takes the task, which must be frozen, into the batch. False: the caller writes its packet.
  bool Take(const Task& task);
  void Flush();

 private:
  // What tasks have in common, as words that are equal or not.
  struct Shape {
    static constexpr std::size_t kMost = 32;
    std::size_t count = 0;
    std::array<std::uint64_t, kMost> words;  // the first `count`
    void Add(std::uint64_t word) { words[count++] = word; }
    bool operator==(const Shape& other) const {
      return count == other.count &&
             std::equal(words.begin(), words.begin() + count, other.words.begin());
    }
    // Few instructions: it is told for each task.
    std::uint64_t Hash() const {
      std::uint64_t hash = count;
      for (std::size_t i = 0; i < count; ++i) {
        hash = (hash ^ words[i]) * 0x9e3779b97f4a7c15;
        hash ^= hash >> 32;
      }
      return hash;
    }
  };
  // What each of its tasks needs lies together: the walk leaves little of it in the cache.
  struct Known {
    std::uint64_t like = 0;  // the first task of the shape
    int alone = 0;           // how many more are to be written alone
    Shape shape;
  };
  // Differences as zigzag varints.
  template <std::size_t kBytes>
  struct Column {
    std::array<char, kBytes> bytes;
    std::size_t size = 0;
    std::uint64_t before = 0;
    void Add(std::uint64_t value) {
      Put(value - before);
      before = value;
    }
    void Put(std::uint64_t difference) {
      if (difference == 0) {  // mostly
        bytes[size++] = 0;
        return;
      }
      std::uint64_t z = difference << 1 ^ (0 - (difference >> 63));
      while (z >= 0x80) {
        bytes[size++] = static_cast<char>(z | 0x80);
        z >>= 7;
      }
      bytes[size++] = static_cast<char>(z);
    }
    std::size_t Room() const { return kBytes - size; }
    void Clear() { size = 0, before = 0; }
  };

  static constexpr std::uint32_t kMostCases = 8;
  static constexpr std::size_t kMostObjects = 2 * kMostCases + 2;
  static constexpr std::size_t kMostShapes = 1 << 16;
  // Of few shapes more tasks are written alone.
  static constexpr std::size_t kFewShapes = 64;
  static constexpr int kAloneOfFew = 8, kAlone = 2;
  static constexpr std::size_t kVarint = 10;

  static bool Describe(const Task& task, Shape& shape);
  static bool DescribeCases(const WaitRecord& wait, Shape& shape);
  void AddObjects(const Task& task);
  void MakeRoom();
  void AddObject(std::size_t place, std::uint64_t id) {
    objects_.Put(id - objects_before_[place]);
    objects_before_[place] = id;
  }

  PacketWriter& out_;
  const int stacks_;
  std::vector<Known> known_;
  absl::flat_hash_map<std::uint64_t, std::uint32_t> numbers_;  // of known shapes, by hash
  Shape shape_;
  std::uint32_t count_ = 0;
  std::uint32_t rows_left_ = 0;  // that fit for certain
  // Together, with their heads, they stay below a packet's 32 KiB.
  Column<2400> like_, id_, parent_, context_, created_, since_, parks_, group_;
  Column<8192> objects_;
  bool grouped_ = false;  // some task of this batch is counted by a group
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
