// The event rings, as batches of records.
#include <algorithm>
#include <array>
#include <vector>

#include "runtime_hooks/recorder/events.h"
#include "runtime_hooks/recorder/snapshot.h"

namespace stranded::internal {
namespace {

constexpr std::size_t kBatch = 512;  // so that a packet stays small

struct EventRoom {
  PacketWriter* out;
  std::uint64_t lost;
  std::vector<std::uint64_t> lockers;  // tasks that took a lock while they held one
};
constexpr std::size_t kMostLockers = 1024;

// A batch as columns of differences: most of them take one byte.
class Columns {
 public:
  void Add(const RecordedEvent& e, std::uint32_t site) {
    std::uint32_t what = static_cast<std::uint32_t>(e.kind);
    if (e.object != 0) what |= dump::kEventHasObject;
    if (e.arg != 0) what |= dump::kEventHasArg;
    if (e.time_ns != last_time_) what |= dump::kEventHasTime;
    what_.push_back(what);
    task_.push_back(Step(e.task, last_task_));
    site_.push_back(site);
    if (e.object != 0) object_.push_back(Step(e.object, last_object_));
    if (e.time_ns != last_time_) {
      time_.push_back(e.time_ns - last_time_);
      last_time_ = e.time_ns;
    }
    if (e.arg == 0) return;
    const bool names_task = e.kind == EventKind::kSpawn || e.kind == EventKind::kWake;
    arg_.push_back(names_task ? Step(e.arg, last_named_) : static_cast<std::int64_t>(e.arg));
  }
  void Write(Builder<dump::EventBatchTag>& batch) const {
    using Tag = dump::EventBatchTag;
    batch.add_packed_uint32(Tag::kWhat, what_.begin(), what_.end());
    batch.add_packed_sint64(Tag::kTask, task_.begin(), task_.end());
    batch.add_packed_uint32(Tag::kSite, site_.begin(), site_.end());
    batch.add_packed_sint64(Tag::kObject, object_.begin(), object_.end());
    batch.add_packed_sint64(Tag::kTimeNs, time_.begin(), time_.end());
    batch.add_packed_sint64(Tag::kArg, arg_.begin(), arg_.end());
  }
  bool empty() const { return what_.empty(); }

 private:
  static std::int64_t Step(std::uint64_t value, std::uint64_t& last) {
    const auto step = static_cast<std::int64_t>(value - last);
    last = value;
    return step;
  }
  std::uint64_t last_task_ = 0, last_object_ = 0, last_named_ = 0;
  std::int64_t last_time_ = 0;
  std::vector<std::uint32_t> what_, site_;
  std::vector<std::int64_t> task_, object_, time_, arg_;
};

void WriteBatch(PacketWriter& out, const RingCopy& ring, std::size_t from, std::size_t to) {
  Columns columns;
  for (std::size_t i = from; i < to; ++i) {
    const RecordedEvent& e = ring.events[i];
    // Those that only carry the time: it stands with the next event.
    if (e.kind != EventKind::kNone) columns.Add(e, out.Site(e.site));
  }
  if (columns.empty()) return;
  out.Write<dump::EventBatchTag>(dump::PacketTag::kEvents, [&](auto& batch) {
    batch.add_uint32(dump::EventBatchTag::kRing, ring.ring);
    batch.add_uint64(dump::EventBatchTag::kFirstSeq, ring.first_seq + from);
    columns.Write(batch);
  });
}

// Those that collide in `holds` are missed, and told without a name.
void NoteLockers(const std::vector<RecordedEvent>& events, std::vector<std::uint64_t>& lockers) {
  std::array<std::uint64_t, 64> holds{};  // tasks, by their number
  for (const RecordedEvent& e : events) {
    if (e.kind != EventKind::kLock && e.kind != EventKind::kUnlock) continue;
    std::uint64_t& locker = holds[e.task % holds.size()];
    const bool nested = e.kind == EventKind::kLock && locker == e.task;
    locker = e.kind == EventKind::kLock ? e.task : 0;
    if (!nested || lockers.size() == kMostLockers) continue;
    if (lockers.empty() || lockers.back() != e.task) lockers.push_back(e.task);
  }
}

void WriteRing(const RingCopy& ring, void* arg) {
  auto& room = *static_cast<EventRoom*>(arg);
  room.lost += ring.lost;
  NoteLockers(ring.events, room.lockers);
  for (std::size_t at = 0; at < ring.events.size(); at += kBatch) {
    WriteBatch(*room.out, ring, at, std::min(at + kBatch, ring.events.size()));
  }
}

}  // namespace

void Snapshot::WriteEvents() {
  EventRoom room{&out_, 0, {}};
  ForEachRing(&WriteRing, &room);
  for (const std::uint64_t task : room.lockers) Mention(task);  // a finding may name them
  events_lost_ = room.lost;
}

}  // namespace stranded::internal
