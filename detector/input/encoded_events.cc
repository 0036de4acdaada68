#include "detector/input/encoded_events.h"

#include <algorithm>

#include "detector/input/decode.h"
#include "detector/input/packet_frame.h"

namespace stranded::detector {

void EncodedEvents::Add(std::uint64_t at, std::uint64_t end, std::size_t events) {
  // Readers that begin in the middle start at a run, so none is very long.
  constexpr std::uint64_t kLongest = 1 << 20;
  if (runs_.empty() || runs_.back().end != at || end - runs_.back().at > kLongest) {
    runs_.push_back({at, end, size_});
  }
  runs_.back().end = end;
  size_ += events;
}

void EncodedEvents::Read(std::size_t first, absl::FunctionRef<bool(std::span<Event>)> use) const {
  DumpInput input = input_.Again();
  LargeVector<Event> batch;
  auto run = std::upper_bound(runs_.begin(), runs_.end(), first,
                              [](std::size_t number, const Run& r) { return number < r.first; });
  if (run != runs_.begin()) --run;
  for (; run != runs_.end(); ++run) {
    std::size_t number = run->first;
    for (std::uint64_t at = run->at; at < run->end;) {
      // Checksums were looked at when the dump was read. A file that has changed since then may
      // give other events, or none.
      const Frame frame = FrameAt(input, at);
      if (!frame.ok || frame.end > run->end) break;
      batch.clear();
      ReadEventPacket(BodyOf(input, frame), batch);
      at = frame.end;
      const std::size_t skipped = first > number ? std::min(first - number, batch.size()) : 0;
      number += batch.size();
      if (skipped < batch.size() && !use(std::span<Event>(batch).subspan(skipped))) return;
    }
  }
}

}  // namespace stranded::detector
