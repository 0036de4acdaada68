// The rows of a batch of tasks, one after the other.
//
// Overview: a batch keeps each field of its tasks in a column of its own
// (docs/stranded_dump.proto). A row has its scalars and, for each object that its model's wait
// names, the id. Thread safety: none. Errors: as RowColumn's.
#ifndef STRANDED_DETECTOR_INPUT_TASK_COLUMNS_H_
#define STRANDED_DETECTOR_INPUT_TASK_COLUMNS_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "detector/input/decode.h"
#include "detector/input/row_column.h"
#include "stranded/dump_format.h"

namespace stranded::detector {

// Of what a row says but for its objects.
struct BatchRow {
  Id like = 0;  // its model: a task that was read before
  Id id = 0, spawn = 0, parent = 0, context = 0, group = 0;
  std::int64_t created_ns = 0, since_ns = 0;
  std::uint64_t park_count = 0;
};

class TaskColumns {
 public:
  static constexpr std::size_t kMostObjects = 64;  // of a task
  using Objects = std::array<Id, kMostObjects>;

  explicit TaskColumns(const data_view& bytes) {
    Message<Tag> m(bytes);
    while (m.next()) {
      const auto tag = static_cast<std::size_t>(m.tag());
      if (m.tag() == Tag::kCount) {
        rows_ = m.get_uint32();
      } else if (tag < columns_.size()) {
        columns_[tag] = RowColumn(m.get_view());
      } else {
        m.skip();
      }
    }
  }

  std::uint32_t rows() const { return rows_; }
  void Next(BatchRow& row) {
    row.like = Of(Tag::kLike).Next();
    row.id = Of(Tag::kId).Next();
    row.spawn = Of(Tag::kSpawn).Next();
    row.parent = Of(Tag::kParent).Next();
    row.context = Of(Tag::kContext).Next();
    row.created_ns = static_cast<std::int64_t>(Of(Tag::kCreatedNs).Next());
    row.since_ns = static_cast<std::int64_t>(Of(Tag::kSinceNs).Next());
    row.park_count = Of(Tag::kParkCount).Next();
    row.group = Of(Tag::kGroup).AtEnd() ? 0 : Of(Tag::kGroup).Next();
  }
  // Those of the row that Next() gave, of which there are `count`.
  std::span<const Id> ObjectsOf(std::size_t count) {
    for (std::size_t place = 0; place < count; ++place) {
      objects_[place] += Of(Tag::kObjects).Difference();
    }
    return std::span<const Id>(objects_).first(count);
  }
  // Whether nothing is left over: then the batch was whole.
  bool AtEnd() const {
    for (const RowColumn& column : columns_) {
      if (!column.AtEnd()) return false;
    }
    return true;
  }

 private:
  using Tag = dump::TaskBatchTag;

  RowColumn& Of(Tag tag) { return columns_[static_cast<std::size_t>(tag)]; }

  std::uint32_t rows_ = 0;
  std::array<RowColumn, static_cast<std::size_t>(Tag::kGroup) + 1> columns_;
  Objects objects_{};
};

// How many objects a row with this model has; more than kMostObjects are not read.
std::size_t ObjectCount(const Snapshot& s, const Task& model);

// Adds the task of a row, with its spawn node. `model` is its position. False if there is no spawn
// node to go by, or it costs too much.
bool AddTask(Snapshot& s, std::uint32_t model, const BatchRow& row, std::span<const Id> objects,
             AffordRef afford);

}  // namespace stranded::detector

#endif  // STRANDED_DETECTOR_INPUT_TASK_COLUMNS_H_
