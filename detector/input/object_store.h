// The rows of channels, contexts and spawn nodes of a snapshot, and what is known of each.
//
// Overview: rows are kept packed until it is clear which of them become objects of the model.
// Behind them stand the tasks, channels and contexts that rows name and that are not in the dump:
// they have gone, and nothing is known of them but their id; of tasks there are only such.
// Everything is found by kind and id; ForEachUse() gives what a row names. Thread safety: none.
// Invariants: a position stays. Ownership: rows are copied, the snapshot is the caller's. Errors:
// as ForEachRow's.
#ifndef STRANDED_DETECTOR_INPUT_OBJECT_STORE_H_
#define STRANDED_DETECTOR_INPUT_OBJECT_STORE_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "detector/input/object_rows.h"
#include "detector/input/packed_rows.h"
#include "detector/model/id_index.h"
#include "detector/model/large_vector.h"

namespace stranded::detector {

enum class RowKind : std::uint8_t { kChannel, kContext, kSpawn, kTask };

struct RowRef {
  RowKind kind = RowKind::kChannel;
  std::uint32_t at = 0;
  bool operator==(const RowRef&) const = default;
};

class ObjectStore {
 public:
  static constexpr std::size_t kKinds = 4;
  // Of a row's refs: how many rows name it; kShared: too many, or others do. kLeftOut besides.
  static constexpr std::uint8_t kShared = 0x7f, kLeftOut = 0x80;

  explicit ObjectStore(const Snapshot& s) : s_(s) {}

  // Returns how many batches are damaged, or cannot be afforded.
  std::size_t Read(const ObjectBatches& batches, AffordRef afford);
  // Then the tasks that are rows themselves, numbered from 1 on; what rows name beside these, rows
  // and the snapshot's objects has gone.
  // False: there is a row of that task already.
  bool NoteTask(Id task, std::uint32_t number) {
    std::uint32_t& known = task_rows_.At(task);
    if (known != IdIndex::kNone) return false;
    known = number;
    return true;
  }
  // How often rows name each other, and what has gone.
  void CountUses();
  void Count(RowKind kind, Id id) {
    RowRef row;
    if (Find(kind, id, row)) Count(row);
  }
  void Share(RowKind kind, Id id) {
    RowRef row;
    if (Find(kind, id, row)) Refs(row) = kShared;
  }

  bool empty() const { return channels_.empty() && contexts_.empty() && spawns_.empty(); }
  std::uint32_t RowsOf(RowKind kind) const {
    switch (kind) {
      case RowKind::kChannel: return channels_.size();
      case RowKind::kContext: return contexts_.size();
      case RowKind::kSpawn: return spawns_.size();
      case RowKind::kTask: break;
    }
    return 0;
  }
  // False: it is no row, and has not gone.
  bool Find(RowKind kind, Id id, RowRef& out) const {
    if (id == 0) return false;
    out.kind = kind;
    out.at = Of(kind).index.Find(id);
    return out.at != IdIndex::kNone;
  }
  std::uint8_t& Refs(RowRef row) { return Of(row.kind).refs[row.at]; }
  std::uint32_t& Owner(RowRef row) { return Of(row.kind).owners[row.at]; }
  // A timer will end that context: it is no other object that names it.
  void NoteTimer(Id context) {
    RowRef row;
    if (!Find(RowKind::kContext, context, row)) return;
    if (row.at >= timed_.size()) timed_.resize(row.at + 1);
    timed_[row.at] = true;
  }
  bool HasTimer(std::uint32_t context) const { return context < timed_.size() && timed_[context]; }
  bool IsGone(RowRef row) const { return row.at >= RowsOf(row.kind); }
  // Of a context that has not gone: its model, which is in the snapshot, and when it ended.
  const Context& ModelOfContext(std::uint32_t at) const {
    return s_.contexts.all()[contexts_.Field(at, ContextRow::Tag::kLike)];
  }
  std::int64_t EndOfContext(std::uint32_t at) const {
    return contexts_.Ns(at, ContextRow::Tag::kEndedNs);
  }

  // use(kind, id) of each object and task that the row names; ids may be 0.
  template <class Use>
  void ForEachUse(RowRef row, const Use& use) const;
  // f(number) of what else it says but its id: its model and times.
  template <class Fact, class Time>
  void ForEachFact(RowRef row, const Fact& fact, const Time& time) const;

  // The nodes of tasks with packets: they are looked at with their tasks.
  void AddSpawnsOfPackets(Snapshot& s) const;
  // Adds the rows that `wanted(owner)`, but for those that were left out; the others stay for
  // another call.
  template <class Wanted>
  void AddSpawns(Snapshot& s, const Wanted& wanted) const;
  // f(row) of each object that the task of that number made, and that no row or packet names.
  template <class F>
  void ForEachUnnamed(std::uint32_t task, const F& f) const {
    if (task >= first_unnamed_.size()) return;
    for (std::uint32_t at = first_unnamed_[task]; at != 0; at = unnamed_[at - 1].next) {
      f(unnamed_[at - 1].row);
    }
  }
  void FindUnnamed();

  void StandsFor(RowRef row, std::uint32_t crowd) { Of(row.kind).crowds[row.at] = crowd; }
  void AddChannelsAndContexts(Snapshot& s) const;
  void KeepAll();

 private:
  struct Notes {
    IdIndex index;
    LargeVector<std::uint8_t> refs;
    LargeVector<std::uint32_t> owners;  // number of the task that it is private to
    absl::flat_hash_map<std::uint32_t, std::uint32_t> crowds;  // of those that stand for others

    // The place of a new id; kNone: it is known.
    std::uint32_t Add(Id id, std::uint8_t its_refs);
  };
  Notes& Of(RowKind kind) { return notes_[static_cast<std::size_t>(kind)]; }
  const Notes& Of(RowKind kind) const { return notes_[static_cast<std::size_t>(kind)]; }
  void Count(RowRef row) {
    std::uint8_t& refs = Refs(row);
    if (refs < kShared) ++refs;
  }
  bool IsInSnapshot(RowKind kind, Id id) const;
  template <class Row, class Object>
  std::size_t ReadRows(std::span<const data_view> batches, const Table<Object>& table,
                       PackedRows<Row>& rows, RowKind kind, AffordRef afford);
  template <class Row, class Object>
  static std::size_t AddRows(const PackedRows<Row>& rows, const Notes& notes, Table<Object>& table);

  struct Unnamed {
    RowRef row;
    std::uint32_t next = 0;  // of the same task, from 1 on
  };

  const Snapshot& s_;
  PackedRows<ChannelRow> channels_;  // `like` is the position of the model, as in the others
  PackedRows<ContextRow> contexts_;
  PackedRows<SpawnRow> spawns_;
  std::array<Notes, kKinds> notes_;
  std::vector<bool> timed_;  // contexts
  IdIndex task_rows_;        // numbers by id
  LargeVector<Unnamed> unnamed_;
  LargeVector<std::uint32_t> first_unnamed_;  // by number of the task
};

template <class Use>
void ObjectStore::ForEachUse(RowRef row, const Use& use) const {
  const std::uint32_t at = row.at;
  if (IsGone(row)) return;
  switch (row.kind) {
    case RowKind::kChannel: {
      using Tag = ChannelRow::Tag;
      use(RowKind::kTask, channels_.Field(at, Tag::kCreatorTask));
      use(RowKind::kContext, channels_.Field(at, Tag::kContext));
      use(RowKind::kTask, channels_.Field(at, Tag::kClosedByTask));
      use(RowKind::kTask, channels_.Field(at, Tag::kSenderTask));
      use(RowKind::kContext, channels_.Field(at, Tag::kSenderLeftContext));
      use(RowKind::kChannel, channels_.Field(at, Tag::kSenderLeftChannel));
      use(RowKind::kTask, channels_.Field(at, Tag::kReceiverTask));
      use(RowKind::kContext, channels_.Field(at, Tag::kReceiverLeftContext));
      use(RowKind::kChannel, channels_.Field(at, Tag::kReceiverLeftChannel));
      break;
    }
    case RowKind::kContext: {
      using Tag = ContextRow::Tag;
      use(RowKind::kContext, contexts_.Field(at, Tag::kParent));
      use(RowKind::kTask, contexts_.Field(at, Tag::kCreatorTask));
      use(RowKind::kTask, contexts_.Field(at, Tag::kEndedByTask));
      use(RowKind::kContext, contexts_.Field(at, Tag::kEndedOrigin));
      use(RowKind::kChannel, contexts_.Field(at, Tag::kDoneChannel));
      break;
    }
    case RowKind::kSpawn: {
      using Tag = SpawnRow::Tag;
      use(RowKind::kTask, spawns_.Field(at, Tag::kTask));
      use(RowKind::kSpawn, spawns_.Field(at, Tag::kParent));
      break;
    }
    case RowKind::kTask: break;
  }
}

template <class Fact, class Time>
void ObjectStore::ForEachFact(RowRef row, const Fact& fact, const Time& time) const {
  const std::uint32_t at = row.at;
  if (IsGone(row)) return;
  switch (row.kind) {
    case RowKind::kChannel: {
      using Tag = ChannelRow::Tag;
      fact(channels_.Field(at, Tag::kLike));
      for (const Tag field :
           {Tag::kCreatedNs, Tag::kClosedNs, Tag::kSenderAtNs, Tag::kReceiverAtNs}) {
        time(channels_.Ns(at, field));
      }
      break;
    }
    case RowKind::kContext: {
      using Tag = ContextRow::Tag;
      fact(contexts_.Field(at, Tag::kLike));
      for (const Tag field : {Tag::kCreatedNs, Tag::kDeadlineNs, Tag::kEndedNs}) {
        time(contexts_.Ns(at, field));
      }
      break;
    }
    case RowKind::kSpawn: fact(spawns_.Field(at, SpawnRow::Tag::kLike)); break;
    case RowKind::kTask: break;
  }
}

template <class Wanted>
void ObjectStore::AddSpawns(Snapshot& s, const Wanted& wanted) const {
  const Notes& notes = Of(RowKind::kSpawn);
  for (std::uint32_t i = 0; i < spawns_.size(); ++i) {
    if (!wanted(notes.owners[i]) || (notes.refs[i] & kLeftOut) != 0) continue;
    const SpawnRow row = spawns_.At(i);
    s.spawns.Add(FromRow(s.spawns.all()[row.like()], row));
  }
}

}  // namespace stranded::detector

#endif  // STRANDED_DETECTOR_INPUT_OBJECT_STORE_H_
