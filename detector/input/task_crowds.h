// Batches of tasks, read for findings: tasks that are alike become one, with their number.
//
// Overview: a crowd is told from its model's shape, its objects, context and parent, and from how
// long its tasks have waited: findings ask only whether that is longer than min_age, or ten times
// that. Channels and contexts that are private to one task count as alike if they are
// (private_objects.h), and go with it. Who is named anywhere in the snapshot (as a peer, holder,
// creator, ...), has spawned tasks or may be counted by a group stays a task of its own, and so do
// all that wait for anything but channels: rules look at such tasks one by one. Batches are
// therefore read last. A snapshot with events, of a dead end that lists all its tasks, or with
// parents or models that only rows can be, is read task by task. Thread safety: none. Cost: linear;
// memory follows the crowds, not their tasks.
#ifndef STRANDED_DETECTOR_INPUT_TASK_CROWDS_H_
#define STRANDED_DETECTOR_INPUT_TASK_CROWDS_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "detector/input/object_rows.h"
#include "detector/input/private_objects.h"
#include "detector/input/task_columns.h"
#include "detector/model/snapshot.h"

namespace stranded::detector {

class CrowdReader {
 public:
  // All else of the snapshot has been read.
  CrowdReader(Snapshot& s, const MergeAlike& merge, AffordRef afford, AffordRef afford_objects)
      : s_(s), merge_(merge), afford_(afford), afford_objects_(afford_objects), private_(s) {}
  // Both return how many of the batches are damaged, as ReadTaskBatch() says it, and throw nothing.
  std::size_t Read(std::span<const data_view> batches, const ObjectBatches& objects);
  // Merges nothing.
  std::size_t ReadEach(std::span<const data_view> batches, const ObjectBatches& objects);

 private:
  // What all rows with one model have in common.
  struct Model {
    std::uint32_t position = 0;  // in the snapshot's tasks
    std::size_t objects = 0;
    bool merges = false;  // its rows can be of a crowd
    AgeClasses ages;
    std::uint32_t last = 0;  // the crowd of its last row, from 1 on; 0: none yet
    std::size_t crowds = 0, rows = 0;
  };
  struct Crowd {
    std::uint32_t model = 0;  // position of the model's task
    AgeClass wait = AgeClass::kUnknown;
    std::uint32_t next = 0;                       // another one with the same hash, from 1 on
    std::size_t key = 0, words = 0;               // where its description stands in keys_
    std::size_t first = 0, objects = 0;           // where those of `row` stand in objects_
    std::uint32_t number = 0;                     // of `row`
    BatchRow row;                                 // of the task with the smallest id
    Id largest = std::numeric_limits<Id>::max();  // larger ones are not listed
    TaskCrowd out;
  };

  std::size_t ForEach(std::span<const data_view> batches,
                      absl::FunctionRef<bool(const data_view&)> read);
  bool Afford(std::size_t bytes);
  // f(model, row, its objects), while that says true.
  template <class F>
  bool ForEachRow(const data_view& bytes, const F& f);
  std::size_t ReadTasks(std::span<const data_view> batches);
  void NoteJoins(const Model& model, std::span<const Id> objects);
  std::size_t FindPrivate(std::span<const data_view> batches, const ObjectBatches& objects);
  RowTask TaskOf(const Model& model, const BatchRow& row, std::span<const Id> objects) const;
  void NoteNames();
  void Claim(std::span<const data_view> batches);
  void Name(Id task) {
    private_.ShareTask(task);
    if (task != 0 && s_.tasks.PositionOfId(task) == IdIndex::kNone) named_.insert(task);
  }
  Model* ModelOf(Id like);
  bool Mergeable(const Task& task) const;
  static bool StandsForItself(const Model& model, const BatchRow& row) {
    return !model.merges || row.group != 0 || row.spawn != row.id;
  }
  bool AddRow(Model& model, const BatchRow& row, std::span<const Id> objects);
  // Into described_.
  void Describe(const Model& model, const BatchRow& row, std::span<const Id> objects);
  bool Is(const Crowd& crowd, const Model& model, AgeClass wait) const;
  // From 1 on; 0 if it cannot be afforded.
  std::uint32_t CrowdOf(Model& model, const BatchRow& row, AgeClass wait,
                        std::span<const Id> objects);
  void Join(Crowd& crowd, const BatchRow& row, std::span<const Id> objects);
  void Prune(Crowd& crowd) const;
  bool HasUnnamedParents() const;
  void AddCrowds();

  Snapshot& s_;
  const MergeAlike merge_;
  const AffordRef afford_, afford_objects_;
  PrivateObjects private_;
  absl::flat_hash_set<Id> named_;  // tasks that have no packet of their own
  std::vector<Model> models_;
  absl::flat_hash_map<Id, std::uint32_t> numbers_;  // of models, by id
  struct Recent {
    Id like = 0;  // of one that was found, or 0
    std::uint32_t model = 0;
  };
  std::array<Recent, 16> recent_;  // by id
  bool irregular_ = false;         // a model is missing, a row is there twice or cannot be added
  std::size_t paid_ = 0, credit_ = 0;  // bytes; the second is what a second reading need not pay
  std::vector<Crowd> crowds_;
  std::vector<Id> keys_, objects_;
  std::uint32_t number_ = 0;                                   // of the row at hand, from 1 on
  Description described_;                                      // of its task
  absl::flat_hash_map<std::uint64_t, std::uint32_t> by_hash_;  // the newest with it, from 1 on
};

}  // namespace stranded::detector

#endif  // STRANDED_DETECTOR_INPUT_TASK_CROWDS_H_
