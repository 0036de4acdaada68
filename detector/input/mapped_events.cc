#include "detector/input/mapped_events.h"

#include <vector>

#include "detector/model/event_kind.h"

namespace stranded::detector {
namespace {

constexpr std::uint32_t kTime = event_kind::kNone;
constexpr std::uint64_t kMostRings = 0xffff;

std::uint32_t KindOf(const mapped::Event& e) {
  return static_cast<std::uint32_t>(e.kind_and_task >> mapped::kKindShift);
}
// Some records only carry the time of those that follow, and parks have one: else 0.
std::int64_t TimeIn(const mapped::Event& e) {
  if (KindOf(e) == kTime) return static_cast<std::int64_t>(e.arg);
  return KindOf(e) == event_kind::kPark ? static_cast<std::int64_t>(e.object) : 0;
}

}  // namespace

void ReadRing(std::string_view bytes, const mapped::Block& block, std::size_t at, std::size_t slots,
              const MappedSites& sites, Snapshot& snap) {
  if (slots == 0) return;
  // The slots that come next may be half written, unless a reader has seen to that. Any count is
  // read: the file may be damaged.
  const std::uint64_t torn = block.from_reader != 0 ? 0 : mapped::kMostAtOnce;
  const std::uint64_t whole = slots - std::min<std::uint64_t>(torn, slots);
  std::uint64_t oldest = block.count > whole ? block.count - whole : 0;
  if (block.from_reader != 0) oldest = std::max(oldest, block.oldest);
  if (oldest >= block.count) return;
  snap.loss.events_lost += oldest;
  const auto record_at = [&](std::uint64_t n) {
    return Load<mapped::Event>(bytes, at + n % slots * sizeof(mapped::Event));
  };
  // The record with the time of the oldest ones may be overwritten: the next time must do.
  std::int64_t now = 0;
  for (std::uint64_t n = oldest; n < block.count && now == 0; ++n) now = TimeIn(record_at(n));
  constexpr std::size_t kBatch = 4096;
  std::vector<Event> batch;
  for (std::uint64_t n = oldest; n < block.count; ++n) {
    const mapped::Event record = record_at(n);
    Event e;
    e.kind = static_cast<std::uint16_t>(KindOf(record));
    e.ring = static_cast<std::uint16_t>(std::min<std::uint64_t>(block.ring, kMostRings));
    e.task = record.kind_and_task & mapped::kTaskMask;
    e.object = record.object;
    e.arg = record.arg;
    e.site = sites.IdOf(record.site);
    if (const std::int64_t time = TimeIn(record)) now = time;
    if (e.kind == event_kind::kPark) e.object = 0;
    e.time_ns = now;
    batch.push_back(e);
    if (batch.size() < kBatch && n + 1 < block.count) continue;
    snap.events.Keep(batch);
    batch.clear();
  }
}

}  // namespace stranded::detector
