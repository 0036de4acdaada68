#include "detector/input/mapped_events.h"

#include <vector>

namespace stranded::detector {
namespace {

constexpr std::uint32_t kTime = 0, kPark = 4;  // numbers of the dump format
constexpr std::uint64_t kMostRings = 0xffff;

}  // namespace

void ReadRing(std::string_view bytes, const mapped::Block& block, std::size_t at, std::size_t slots,
              const MappedSites& sites, Snapshot& snap) {
  if (slots == 0) return;
  // The slots that come next may be half written, unless a reader has seen to that.
  const std::uint64_t next = block.count + (block.from_reader != 0 ? 0 : mapped::kMostAtOnce);
  std::uint64_t oldest = next > slots ? next - slots : 0;
  if (block.from_reader != 0) oldest = std::max(oldest, block.oldest);
  if (oldest >= block.count) return;
  snap.loss.events_lost += oldest;
  std::int64_t now = 0;
  constexpr std::size_t kBatch = 4096;
  std::vector<Event> batch;
  for (std::uint64_t n = oldest; n < block.count; ++n) {
    const auto record = Load<mapped::Event>(bytes, at + n % slots * sizeof(mapped::Event));
    Event e;
    e.kind = static_cast<std::uint16_t>(record.kind_and_task >> mapped::kKindShift);
    e.ring = static_cast<std::uint16_t>(std::min<std::uint64_t>(block.ring, kMostRings));
    e.task = record.kind_and_task & mapped::kTaskMask;
    e.object = record.object;
    e.arg = record.arg;
    e.site = sites.IdOf(record.site);
    if (e.kind == kTime) now = static_cast<std::int64_t>(e.arg);
    if (e.kind == kPark) {
      now = static_cast<std::int64_t>(e.object);
      e.object = 0;
    }
    e.time_ns = now;
    batch.push_back(e);
    if (batch.size() < kBatch && n + 1 < block.count) continue;
    snap.events.Keep(batch);
    batch.clear();
  }
}

}  // namespace stranded::detector
