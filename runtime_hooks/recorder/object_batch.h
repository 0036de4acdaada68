// Channels, contexts or spawn nodes that are alike, column by column.
//
// Overview: of a million requests each of which has a handler, a channel and a context of its own,
// these differ in ids and times only. Those behind the first few of each shape become rows of a
// batch that names one of them, about ten bytes each. Thread safety: one writer, one thread. Not
// for fatal signals: it allocates. Invariants: a batch names only objects that were written before
// it. Ownership: holds no references.
#ifndef STRANDED_RUNTIME_HOOKS_RECORDER_OBJECT_BATCH_H_
#define STRANDED_RUNTIME_HOOKS_RECORDER_OBJECT_BATCH_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "runtime_hooks/recorder/known_shapes.h"
#include "runtime_hooks/recorder/packet_writer.h"
#include "runtime_hooks/recorder/row_column.h"

namespace stranded::internal {

class ObjectBatch {
 public:
  // `packet`: of the batches. `alone`: so many objects of a shape, at the least, get packets of
  // their own.
  ObjectBatch(PacketWriter& out, dump::PacketTag packet, int alone)
      : out_(out), packet_(packet), known_(alone) {}

  // Takes the object into the batch. `values` are what differs, in the order of the batch's columns
  // behind `like`, the id first; always as many. False: the caller writes its packet.
  bool Take(const RowShape& shape, std::span<const std::uint64_t> values);
  void Flush();

 private:
  static constexpr std::size_t kMostColumns = 15;
  // Together, with their heads, they stay below a packet's 32 KiB.
  static constexpr std::size_t kColumnBytes = 2048;

  using Columns = std::array<RowColumn<kColumnBytes>, kMostColumns>;

  void MakeRoom();
  std::uint32_t Rows() const;

  PacketWriter& out_;
  const dump::PacketTag packet_;
  KnownShapes known_;
  std::uint32_t count_ = 0;
  std::uint32_t rows_left_ = 0;  // that fit for certain
  std::size_t used_ = 1;         // columns
  // `like` is the first. Made for the first row: most snapshots have none.
  std::unique_ptr<Columns> columns_;
};

}  // namespace stranded::internal

#endif  // STRANDED_RUNTIME_HOOKS_RECORDER_OBJECT_BATCH_H_
