// Events that stay in the packets of their dump.
#ifndef STRANDED_DETECTOR_INPUT_ENCODED_EVENTS_H_
#define STRANDED_DETECTOR_INPUT_ENCODED_EVENTS_H_

#include <vector>

#include "detector/input/dump_input.h"
#include "detector/model/event_log.h"

namespace stranded::detector {

class EncodedEvents : public EventStore {
 public:
  explicit EncodedEvents(const DumpInput& input) : input_(input.Again()) {}

  // The packet there was read and had that many events.
  void Add(std::uint64_t at, std::uint64_t end, std::size_t events);
  void Read(std::size_t first, absl::FunctionRef<bool(std::span<Event>)> use) const override;

 private:
  // Packets that lie side by side.
  struct Run {
    std::uint64_t at = 0, end = 0;
    std::size_t first = 0;  // number of its first event
  };

  const DumpInput input_;
  std::vector<Run> runs_;
  std::size_t size_ = 0;
};

}  // namespace stranded::detector

#endif  // STRANDED_DETECTOR_INPUT_ENCODED_EVENTS_H_
