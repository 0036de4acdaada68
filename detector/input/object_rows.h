// Channels, contexts and spawn nodes that are like others, from the columns of a batch.
//
// Overview: a row has the fields in which an object differs from its model, which has a packet of
// its own. An object with a packet is no row, and of two rows with one id the first one counts: so
// it does not matter when batches are read. Thread safety: none. Errors: reading behind the end of
// a column throws protozero's exception.
#ifndef STRANDED_DETECTOR_INPUT_OBJECT_ROWS_H_
#define STRANDED_DETECTOR_INPUT_OBJECT_ROWS_H_

#include <array>
#include <cstddef>
#include <span>
#include <vector>

#include "absl/functional/function_ref.h"
#include "detector/input/decode.h"
#include "stranded/dump_format.h"

namespace stranded::detector {

template <class BatchTag, BatchTag kLast>
struct ObjectRow {
  using Tag = BatchTag;
  static constexpr auto kFirst = static_cast<std::size_t>(Tag::kLike);
  std::array<Id, static_cast<std::size_t>(kLast) + 1 - kFirst> values;  // by tag
  Id operator[](Tag tag) const { return values[static_cast<std::size_t>(tag) - kFirst]; }
  std::int64_t Ns(Tag tag) const { return static_cast<std::int64_t>((*this)[tag]); }
  Id like() const { return (*this)[Tag::kLike]; }
  Id id() const { return (*this)[Tag::kId]; }
};
using ChannelRow = ObjectRow<dump::ChannelBatchTag, dump::ChannelBatchTag::kReceiverLeftChannel>;
using ContextRow = ObjectRow<dump::ContextBatchTag, dump::ContextBatchTag::kDoneChannel>;
using SpawnRow = ObjectRow<dump::SpawnBatchTag, dump::SpawnBatchTag::kParent>;

Channel FromRow(const Channel& model, const ChannelRow& row);
Context FromRow(const Context& model, const ContextRow& row);
SpawnNode FromRow(const SpawnNode& model, const SpawnRow& row);

// The batches of a snapshot, as they stand in the dump.
struct ObjectBatches {
  std::vector<data_view> spawns, channels, contexts;
  bool empty() const { return spawns.empty() && channels.empty() && contexts.empty(); }
  void clear() {
    spawns.clear();
    channels.clear();
    contexts.clear();
  }
};

// take(row, position of its model) for each row whose model is in `table`; false ends its batch.
// Returns how many batches are damaged or were ended.
template <class Row, class Object>
std::size_t ForEachRow(std::span<const data_view> batches, const Table<Object>& table,
                       absl::FunctionRef<bool(const Row&, std::uint32_t)> take);

// Each adds all of its kind, spawn nodes or the others. Returns how many batches are damaged, or
// cost more than `afford` allows; their rows before that point stay.
std::size_t AddSpawnRows(const ObjectBatches& batches, Snapshot& s, AffordRef afford);
std::size_t AddObjectRows(const ObjectBatches& batches, Snapshot& s, AffordRef afford);

// A row takes eight bytes and more: so many times the usual multiple is granted for what it makes.
inline constexpr std::size_t kObjectRowGrant = 4;

}  // namespace stranded::detector

#endif  // STRANDED_DETECTOR_INPUT_OBJECT_ROWS_H_
