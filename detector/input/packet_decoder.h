// One packet of a dump into the model.
#ifndef STRANDED_DETECTOR_INPUT_PACKET_DECODER_H_
#define STRANDED_DETECTOR_INPUT_PACKET_DECODER_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <protozero/data_view.hpp>
#include <string_view>
#include <utility>
#include <vector>

#include "detector/input/dump_input.h"
#include "detector/input/encoded_events.h"
#include "detector/input/object_rows.h"
#include "detector/model/snapshot.h"
#include "stranded/dump_format.h"
#include "stranded/dump_reader.h"

namespace stranded::detector {

struct ObjectCounts {
  std::size_t tasks = 0, spawns = 0, events = 0;
};

class PacketDecoder {
 public:
  // `expected`: of each snapshot, for the room; guesses. Tasks are merged if dump.merged says so.
  PacketDecoder(Dump& dump, const DumpInput& input, EventStorage events,
                std::vector<ObjectCounts> expected)
      : dump_(dump), input_(input), storage_(events), expected_(std::move(expected)) {}
  // `body` is that of the packet from `at` to `end` in the input. False if it is no valid packet,
  // or if the model would grow out of proportion to the file; the dump keeps what it had.
  bool Decode(std::string_view body, std::uint64_t at, std::uint64_t end);
  // Behind the last packet of a snapshot, and of the dump: reads what was put off.
  void Finish();

 private:
  Snapshot& Current();
  void Begin();
  // A batch: what it names may come behind it.
  void PutOff(std::vector<protozero::data_view>& batches, const protozero::data_view& body);
  void DecodeBody(dump::PacketTag tag, const protozero::data_view& body);
  bool DecodeEvents(const protozero::data_view& body, std::uint64_t at, std::uint64_t end);
  // Notes that the model grew. Small packets can describe large objects, a hostile file is full of
  // them: what goes beyond a multiple of the file's size is refused.
  bool Afford(std::size_t bytes);
  Dump& dump_;
  const DumpInput& input_;
  const EventStorage storage_;
  const std::vector<ObjectCounts> expected_;
  LargeVector<Event> batch_;
  std::shared_ptr<EncodedEvents> encoded_;          // of the current snapshot
  std::vector<protozero::data_view> task_batches_;  // of the current snapshot
  ObjectBatches object_batches_;                    // of the current snapshot
  bool after_end_ = false;  // some of them are another snapshot's, whose beginning is lost
  std::size_t spent_ = 0;
};

}  // namespace stranded::detector

#endif  // STRANDED_DETECTOR_INPUT_PACKET_DECODER_H_
