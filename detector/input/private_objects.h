// Which channels, contexts and spawn nodes belong to one task of a crowd alone.
//
// Overview: where each request has a handler, a channel and a context of its own, no two tasks wait
// for the same object, and yet they are alike. A row of an object, or something that has gone and
// only has an id, is private to a task if everything that names it is that task's row or private to
// it, too, or if the task made it and nothing names it: then the task and its objects are a piece
// that hangs on the rest by what it names itself, and two such pieces that differ in their own ids
// only are told apart by nobody. Never private: objects with packets of their own, what a packet or
// second task names (but the timer of a context: no rule asks when it is due), contexts that rules
// look at one by one (a lost cancel function, an AfterFunc), contexts of another world's clock, and
// pieces of more than kMost objects. Thread safety: none. Cost: linear in the rows; some lookups
// for each reference.
#ifndef STRANDED_DETECTOR_INPUT_PRIVATE_OBJECTS_H_
#define STRANDED_DETECTOR_INPUT_PRIVATE_OBJECTS_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "absl/functional/function_ref.h"
#include "detector/input/description.h"
#include "detector/input/object_store.h"

namespace stranded::detector {

// A task of a batch: what it waits for is named by the cases of its model.
struct RowTask {
  const Task* model = nullptr;
  std::uint32_t number = 0;  // of its row, from 1 on
  Id id = 0, parent = 0, context = 0;
  std::int64_t since_ns = 0;
  std::span<const Id> objects;
};

class PrivateObjects {
 public:
  using NameRef = absl::FunctionRef<void(Id task)>;

  explicit PrivateObjects(Snapshot& s) : s_(s), store_(s) {}

  // --- in this order
  // Returns how many batches are damaged, or cannot be afforded. If empty() then, nothing else is
  // to be done.
  std::size_t Read(const ObjectBatches& batches, AffordRef afford);
  bool empty() const { return store_.empty(); }
  // Each row. False: another one has that id.
  bool NoteTask(const RowTask& task) { return store_.NoteTask(task.id, task.number); }
  void CountObjects();
  void ShareTask(Id task) { store_.Share(RowKind::kTask, task); }  // that a packet names
  void CountRow(const RowTask& task);                              // each row
  void ShareRow(const RowTask& task, Id spawn);  // the same for one that will stay alone
  void HaveCounted() { store_.FindUnnamed(); }
  // Each of those that were counted. Names the others that its objects name.
  void Claim(const RowTask& task, NameRef name);
  // Adds the spawn nodes that are private to none. Names the tasks that are named by such objects.
  void ClaimNone(NameRef name);
  // Whether some spawn node has a parent that `known` says is none.
  bool HasParentBut(absl::FunctionRef<bool(Id)> known) const;
  bool HasNode(Id spawn) const;

  // What tells the piece of one task from that of another: equal for those that differ in their own
  // ids, and in times by less than rules ask.
  void Describe(const RowTask& task, const AgeClasses& ages, Description& out);
  // Another task stands for the one described last: what is private to it is left out, until it is
  // kept.
  void LeaveOut();
  // As those of a crowd's exemplar.
  void Keep(const RowTask& task, std::uint32_t crowd);
  void KeepAll() { store_.KeepAll(); }
  // Adds all rows but those that were left out, or added before.
  void Add();

 private:
  static constexpr std::size_t kMost = 16;  // objects of a piece
  struct Piece {
    std::array<RowRef, kMost> members;
    std::size_t count = 0;
    std::size_t PlaceOf(RowRef row) const {  // count: not in it
      std::size_t place = 0;
      while (place < count && !(members[place] == row)) ++place;
      return place;
    }
  };

  // Who names what, in a piece: kTaskItself, or one of its members.
  struct Edge {
    std::uint32_t from = 0;
    RowRef to;
  };
  static constexpr std::uint32_t kTaskItself = kMost;

  // use(kind, id) of each object that the row names.
  template <class Use>
  void ForEachUse(const RowTask& task, const Use& use) const;
  bool CanBePrivate(const RowTask& task, RowRef row);
  // Everything that can be reached from the task, and could be its own, with edges_; too much:
  // nothing.
  Piece Reach(const RowTask& task);
  // Takes out what others name, too, with what only that names.
  void DropNamed(Piece& piece);
  // Tasks that are in the dump, and named by that row.
  template <class F>
  void ForEachTask(RowRef row, const F& f) const;

  Snapshot& s_;
  ObjectStore store_;
  Piece described_;
  std::vector<Edge> edges_;  // of the piece at hand
};

}  // namespace stranded::detector

#endif  // STRANDED_DETECTOR_INPUT_PRIVATE_OBJECTS_H_
