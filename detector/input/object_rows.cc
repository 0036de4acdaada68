#include "detector/input/object_rows.h"

#include <protozero/exception.hpp>

#include "detector/input/row_column.h"

namespace stranded::detector {
namespace {

template <class Row>
class Columns {
 public:
  explicit Columns(const data_view& bytes) {
    Message<Tag> m(bytes);
    while (m.next()) {
      const std::size_t at = static_cast<std::size_t>(m.tag()) - Row::kFirst;
      if (m.tag() == Tag::kCount) {
        rows_ = m.get_uint32();
      } else if (at < columns_.size()) {
        columns_[at] = RowColumn(m.get_view());
      } else {
        m.skip();
      }
    }
  }
  std::uint32_t rows() const { return rows_; }
  void Next(Row& row) {
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      row.values[i] = columns_[i].InBatch() ? columns_[i].Next() : 0;
    }
  }
  bool AtEnd() const {
    for (const RowColumn& column : columns_) {
      if (!column.AtEnd()) return false;
    }
    return true;
  }

 private:
  using Tag = typename Row::Tag;
  std::uint32_t rows_ = 0;
  std::array<RowColumn, std::tuple_size_v<decltype(Row::values)>> columns_;
};

template <class Row, class Object, class Take>
bool ReadBatch(const data_view& bytes, const Table<Object>& table, std::size_t models,
               const Take& take) {
  Columns<Row> columns(bytes);
  Row row;
  for (std::uint32_t i = 0; i < columns.rows(); ++i) {
    columns.Next(row);
    const std::uint32_t model = table.PositionOfId(row.like());
    if (row.id() == 0 || model == IdIndex::kNone || model >= models) return false;
    if (!take(row, model)) return false;
  }
  return columns.AtEnd();
}

void SetPeer(Peer& peer, Id task, std::int64_t at_ns, Id left_context, Id left_channel) {
  peer.task = task;
  peer.at_ns = at_ns;
  peer.left_context = left_context;
  peer.left_channel = left_channel;
  peer.left_ns = peer.outcome == PeerOutcome::kLeft ? at_ns : 0;
}

}  // namespace

Channel FromRow(const Channel& model, const ChannelRow& row) {
  using Tag = ChannelRow::Tag;
  Channel c = model;
  c.id = row.id();
  c.creator_task = row[Tag::kCreatorTask];
  c.created_ns = row.Ns(Tag::kCreatedNs);
  c.context = row[Tag::kContext];
  c.closed_by_task = row[Tag::kClosedByTask];
  c.closed_ns = row.Ns(Tag::kClosedNs);
  SetPeer(c.last_sender, row[Tag::kSenderTask], row.Ns(Tag::kSenderAtNs),
          row[Tag::kSenderLeftContext], row[Tag::kSenderLeftChannel]);
  SetPeer(c.last_receiver, row[Tag::kReceiverTask], row.Ns(Tag::kReceiverAtNs),
          row[Tag::kReceiverLeftContext], row[Tag::kReceiverLeftChannel]);
  return c;
}

Context FromRow(const Context& model, const ContextRow& row) {
  using Tag = ContextRow::Tag;
  Context c = model;
  c.id = row.id();
  c.parent = row[Tag::kParent];
  c.creator_task = row[Tag::kCreatorTask];
  c.created_ns = row.Ns(Tag::kCreatedNs);
  c.deadline_ns = row.Ns(Tag::kDeadlineNs);
  c.ended_ns = row.Ns(Tag::kEndedNs);
  c.ended_by_task = row[Tag::kEndedByTask];
  c.ended_origin = row[Tag::kEndedOrigin];
  c.done_channel = row[Tag::kDoneChannel];
  return c;
}

SpawnNode FromRow(const SpawnNode& model, const SpawnRow& row) {
  using Tag = SpawnRow::Tag;
  SpawnNode n = model;
  n.id = row.id();
  n.task = row[Tag::kTask];
  n.parent = row[Tag::kParent];
  return n;
}

// What `take` adds is nobody's model.
template <class Row, class Object>
std::size_t ForEachRow(std::span<const data_view> batches, const Table<Object>& table,
                       absl::FunctionRef<bool(const Row&, std::uint32_t)> take) {
  const std::size_t models = table.size();
  std::size_t bad = 0;
  for (const data_view& batch : batches) {
    bool good = false;
    try {
      good = ReadBatch<Row>(batch, table, models, take);
    } catch (const protozero::exception&) {
    }
    if (!good) ++bad;
  }
  return bad;
}

namespace {

template <class Row, class Object>
std::size_t AddRows(std::span<const data_view> batches, Table<Object>& table, AffordRef afford) {
  return ForEachRow<Row>(batches, table, [&](const Row& row, std::uint32_t model) {
    if (table.PositionOfId(row.id()) != IdIndex::kNone) return true;
    if (!afford(sizeof(Object) + IdIndex::kBlockBytes)) return false;
    table.Add(FromRow(table.all()[model], row));
    return true;
  });
}

}  // namespace

std::size_t AddSpawnRows(const ObjectBatches& batches, Snapshot& s, AffordRef afford) {
  return AddRows<SpawnRow>(batches.spawns, s.spawns, afford);
}

std::size_t AddObjectRows(const ObjectBatches& batches, Snapshot& s, AffordRef afford) {
  return AddRows<ChannelRow>(batches.channels, s.channels, afford) +
         AddRows<ContextRow>(batches.contexts, s.contexts, afford);
}

template std::size_t ForEachRow(std::span<const data_view> batches, const Table<Channel>& table,
                                absl::FunctionRef<bool(const ChannelRow&, std::uint32_t)> take);
template std::size_t ForEachRow(std::span<const data_view> batches, const Table<Context>& table,
                                absl::FunctionRef<bool(const ContextRow&, std::uint32_t)> take);
template std::size_t ForEachRow(std::span<const data_view> batches, const Table<SpawnNode>& table,
                                absl::FunctionRef<bool(const SpawnRow&, std::uint32_t)> take);

}  // namespace stranded::detector
