// The event rings, as batches of records.
#include <algorithm>

#include "runtime_hooks/recorder/events.h"
#include "runtime_hooks/recorder/snapshot.h"

namespace stranded::internal {
namespace {

constexpr std::size_t kBatch = 256;  // so that a packet stays small

struct EventRoom {
  PacketWriter* out;
  std::uint64_t lost;
};

void WriteBatch(PacketWriter& out, const RingCopy& ring, std::size_t from, std::size_t to) {
  using dump::EventTag;
  out.Write<dump::EventBatchTag>(dump::PacketTag::kEvents, [&](auto& batch) {
    batch.add_uint32(dump::EventBatchTag::kRing, ring.ring);
    batch.add_uint64(dump::EventBatchTag::kFirstSeq, ring.first_seq + from);
    for (std::size_t i = from; i < to; ++i) {
      const RecordedEvent& e = ring.events[i];
      const std::uint32_t site = out.Site(e.site);
      Builder<EventTag> event(batch, dump::EventBatchTag::kEvent);
      event.add_enum(EventTag::kKind, static_cast<std::int32_t>(e.kind));
      event.add_uint64(EventTag::kTask, e.task);
      event.add_uint64(EventTag::kObject, e.object);
      event.add_uint32(EventTag::kSite, site);
      event.add_int64(EventTag::kTimeNs, e.time_ns);
      if (e.kind != EventKind::kNone) event.add_uint64(EventTag::kArg, e.arg);
    }
  });
}

void WriteRing(const RingCopy& ring, void* arg) {
  auto& room = *static_cast<EventRoom*>(arg);
  room.lost += ring.lost;
  for (std::size_t at = 0; at < ring.events.size(); at += kBatch) {
    WriteBatch(*room.out, ring, at, std::min(at + kBatch, ring.events.size()));
  }
}

}  // namespace

void Snapshot::WriteEvents() {
  EventRoom room{&out_, 0};
  ForEachRing(&WriteRing, &room);
  events_lost_ = room.lost;
}

}  // namespace stranded::internal
