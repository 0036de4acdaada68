// Which channels and contexts belong to one task of a crowd alone.
//
// Overview: where each request has a channel and a context of its own, no two tasks wait for the
// same object, and yet they are alike. A row of an object is private to a task if everything that
// names it is that task's row or private to it, too: then the task and its objects are a piece that
// hangs on the rest by what it names itself, and two such pieces that differ in their own ids only
// are told apart by nobody. Never private: objects with packets of their own, what a timer, packet
// or second task names, contexts that rules look at one by one (a lost cancel function, an
// AfterFunc), contexts of another world's clock, and pieces of more than kMost objects.
// Thread safety: none. Cost: linear in the rows; some lookups for each reference.
#ifndef STRANDED_DETECTOR_INPUT_PRIVATE_OBJECTS_H_
#define STRANDED_DETECTOR_INPUT_PRIVATE_OBJECTS_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/functional/function_ref.h"
#include "detector/input/object_rows.h"
#include "detector/input/packed_rows.h"
#include "detector/model/id_index.h"
#include "detector/model/large_vector.h"

namespace stranded::detector {

// A task of a batch: what it waits for is named by the cases of its model.
struct RowTask {
  const Task* model = nullptr;
  std::uint32_t number = 0;  // of its row, from 1 on
  Id id = 0, context = 0;
  std::int64_t since_ns = 0;
  std::span<const Id> objects;
};

class PrivateObjects {
 public:
  using NameRef = absl::FunctionRef<void(Id task)>;

  explicit PrivateObjects(Snapshot& s) : s_(s) {}

  // In this order. Read() returns how many batches are damaged, or cannot be afforded.
  std::size_t Read(const ObjectBatches& batches, AffordRef afford);
  bool empty() const { return channels_.rows.empty() && contexts_.rows.empty(); }
  void CountPackets();
  void CountRow(const RowTask& task);  // each task once
  void ShareRow(const RowTask& task);  // the same for one that will stay alone
  // Each of those that were counted, when all have been. Names the others that its objects name.
  void Claim(const RowTask& task, NameRef name);
  // The tasks that are named by objects which are private to none.
  void NameOthers(NameRef name) const;

  // What tells the piece of one task from that of another: equal for those that differ in their own
  // ids, and in times by less than rules ask. `age_class`: of a time on the task's clock.
  void Describe(const RowTask& task, absl::FunctionRef<std::uint64_t(std::int64_t)> age_class,
                std::vector<Id>& words);
  // Another task stands for the one described last: what is private to it is left out, until it is
  // kept.
  void LeaveOut();
  // As those of a crowd's exemplar.
  void Keep(const RowTask& task, std::uint32_t crowd);
  void KeepAll();
  // Adds all rows but those that were left out.
  void Add();

 private:
  static constexpr std::size_t kMost = 16;  // objects of a piece
  // Of a row's refs: how many rows name it; kShared: too many, or others do.
  static constexpr std::uint8_t kShared = 0x7f, kLeftOut = 0x80;
  template <class Row>
  struct Rows {
    PackedRows<Row> rows;  // `like` is the position of the model
    LargeVector<std::uint8_t> refs;
    LargeVector<std::uint32_t> owners;  // number of the task that it is private to
    IdIndex index;
    absl::flat_hash_map<std::uint32_t, std::uint32_t> crowds;  // of those that were kept
  };
  enum class Kind : std::uint8_t { kChannel, kContext };
  struct Ref {
    Kind kind = Kind::kChannel;
    std::uint32_t at = 0;
    bool operator==(const Ref&) const = default;
  };
  struct Piece {
    std::array<Ref, kMost> members;
    std::size_t count = 0;
    std::size_t PlaceOf(Ref ref) const {  // count: not in it
      std::size_t place = 0;
      while (place < count && !(members[place] == ref)) ++place;
      return place;
    }
  };

  template <class Row, class Object>
  std::size_t ReadRows(std::span<const data_view> batches, const Table<Object>& table,
                       Rows<Row>& out, AffordRef afford);
  // use(kind, id) of each object that is named; a task's context first.
  template <class Use>
  void ForEachUse(const RowTask& task, const Use& use) const;
  template <class Use>
  void ForEachUse(Ref ref, const Use& use) const;
  template <class F>
  void ForEachTask(Ref ref, const F& f) const;
  // False: no row has that id.
  bool Find(Kind kind, Id id, Ref& out) const {
    if (id == 0) return false;
    out.kind = kind;
    out.at = (kind == Kind::kChannel ? channels_.index : contexts_.index).Find(id);
    return out.at != IdIndex::kNone;
  }
  std::uint8_t& RefsOf(Ref ref) {
    return ref.kind == Kind::kChannel ? channels_.refs[ref.at] : contexts_.refs[ref.at];
  }
  std::uint32_t& OwnerOf(Ref ref) {
    return ref.kind == Kind::kChannel ? channels_.owners[ref.at] : contexts_.owners[ref.at];
  }
  void Count(Kind kind, Id id);
  void Share(Kind kind, Id id);
  bool CanBePrivate(const RowTask& task, Ref ref);
  // Everything that can be reached from the task, and is `wanted`; too much: nothing.
  template <class Wanted>
  Piece Reach(const RowTask& task, const Wanted& wanted) const;
  Piece PieceOf(const RowTask& task);
  template <class Row, class Object>
  static std::size_t AddRows(const Rows<Row>& from, Table<Object>& table);

  Snapshot& s_;
  Rows<ChannelRow> channels_;
  Rows<ContextRow> contexts_;
  Piece described_;
};

}  // namespace stranded::detector

#endif  // STRANDED_DETECTOR_INPUT_PRIVATE_OBJECTS_H_
