#include "detector/input/object_store.h"

namespace stranded::detector {
namespace {

// Rules look at these one by one.
bool IsTold(const Channel&) { return false; }
bool IsTold(const SpawnNode&) { return false; }
bool IsTold(const Context& c) {
  return c.has_after_func || (c.cancel_lost && c.err == ContextErr::kNone);
}

}  // namespace

std::uint32_t ObjectStore::Notes::Add(Id id, std::uint8_t its_refs) {
  std::uint32_t& at = index.At(id);
  if (at != IdIndex::kNone) return IdIndex::kNone;
  at = static_cast<std::uint32_t>(refs.size());
  refs.push_back(its_refs);
  owners.push_back(0);
  return at;
}

template <class Row, class Object>
std::size_t ObjectStore::ReadRows(std::span<const data_view> batches, const Table<Object>& table,
                                  PackedRows<Row>& rows, RowKind kind, AffordRef afford) {
  Notes& notes = Of(kind);
  Id last_id = 0;
  return ForEachRow<Row>(batches, table, [&](const Row& row, std::uint32_t model) {
    if (table.PositionOfId(row.id()) != IdIndex::kNone) return true;
    // With the room for the object that it becomes, and for those that it names.
    const bool near = IdIndex::Neighbours(row.id(), last_id);
    const std::size_t index = 2 * (near ? sizeof(std::uint32_t) : IdIndex::kBlockBytes);
    if (!afford(sizeof row + sizeof(Object) + index)) return false;
    last_id = row.id();
    if (notes.Add(row.id(), IsTold(table.all()[model]) ? kShared : 0) == IdIndex::kNone) {
      return true;
    }
    Row kept = row;
    kept.values[0] = model;
    rows.Add(kept);
    return true;
  });
}

std::size_t ObjectStore::Read(const ObjectBatches& batches, AffordRef afford) {
  return ReadRows(batches.spawns, s_.spawns, spawns_, RowKind::kSpawn, afford) +
         ReadRows(batches.channels, s_.channels, channels_, RowKind::kChannel, afford) +
         ReadRows(batches.contexts, s_.contexts, contexts_, RowKind::kContext, afford);
}

void ObjectStore::AddSpawnsOfPackets(Snapshot& s) const {
  for (const Task& task : s.tasks.all()) {
    RowRef row;
    if (!Find(RowKind::kSpawn, task.spawn, row)) continue;
    const SpawnRow node = spawns_.At(row.at);
    s.spawns.Add(FromRow(s.spawns.all()[node.like()], node));
  }
}

bool ObjectStore::IsInSnapshot(RowKind kind, Id id) const {
  switch (kind) {
    case RowKind::kChannel: return s_.channels.PositionOfId(id) != IdIndex::kNone;
    case RowKind::kContext: return s_.contexts.PositionOfId(id) != IdIndex::kNone;
    case RowKind::kTask: return s_.tasks.PositionOfId(id) != IdIndex::kNone;
    case RowKind::kSpawn: break;
  }
  return true;  // whoever names a node that is not there: CrowdReader::HasUnnamedParents()
}

void ObjectStore::CountUses() {
  std::array<Id, kKinds> others{};  // of each kind, the last that is in the snapshot, or a row
  const auto count = [&](RowKind kind, Id id) {
    Id& other = others[static_cast<std::size_t>(kind)];
    if (id == 0 || id == other) return;
    RowRef row;
    if (Find(kind, id, row)) return Count(row);
    const bool task_row = kind == RowKind::kTask && task_rows_.Find(id) != IdIndex::kNone;
    if (task_row || IsInSnapshot(kind, id)) {
      other = id;
    } else {
      Of(kind).Add(id, 1);
    }
  };
  for (const RowKind kind : {RowKind::kSpawn, RowKind::kChannel, RowKind::kContext}) {
    for (std::uint32_t i = 0; i < RowsOf(kind); ++i) ForEachUse({kind, i}, count);
  }
}

void ObjectStore::FindUnnamed() {
  const auto find = [this](RowKind kind, Id maker, std::uint32_t at) {
    const RowRef row{kind, at};
    if (Refs(row) != 0 || maker == 0) return;
    const std::uint32_t task = task_rows_.Find(maker);
    if (task == IdIndex::kNone) return;
    if (task >= first_unnamed_.size()) first_unnamed_.resize(task + 1);
    unnamed_.push_back({row, first_unnamed_[task]});
    first_unnamed_[task] = static_cast<std::uint32_t>(unnamed_.size());
  };
  for (std::uint32_t i = 0; i < channels_.size(); ++i) {
    find(RowKind::kChannel, channels_.Field(i, ChannelRow::Tag::kCreatorTask), i);
  }
  for (std::uint32_t i = 0; i < contexts_.size(); ++i) {
    find(RowKind::kContext, contexts_.Field(i, ContextRow::Tag::kCreatorTask), i);
  }
}

void ObjectStore::KeepAll() {
  for (Notes& notes : notes_) {
    for (std::uint8_t& refs : notes.refs) refs &= static_cast<std::uint8_t>(~kLeftOut);
  }
}

template <class Row, class Object>
std::size_t ObjectStore::AddRows(const PackedRows<Row>& rows, const Notes& notes,
                                 Table<Object>& table) {
  std::size_t left_out = 0;
  for (std::uint32_t i = 0; i < rows.size(); ++i) {
    if ((notes.refs[i] & kLeftOut) != 0) {
      ++left_out;
      continue;
    }
    const Row row = rows.At(i);
    Object object = FromRow(table.all()[row.like()], row);
    const auto crowd = notes.crowds.find(i);
    object.crowd = crowd == notes.crowds.end() ? 0 : crowd->second;
    table.Add(object);
  }
  return left_out;
}

void ObjectStore::AddChannelsAndContexts(Snapshot& s) const {
  s.channels_merged = AddRows(channels_, Of(RowKind::kChannel), s.channels);
  s.contexts_merged = AddRows(contexts_, Of(RowKind::kContext), s.contexts);
}

}  // namespace stranded::detector
