// One packet of a dump into the model.
#ifndef STRANDED_DETECTOR_INPUT_PACKET_DECODER_H_
#define STRANDED_DETECTOR_INPUT_PACKET_DECODER_H_

#include <cstddef>
#include <protozero/data_view.hpp>
#include <string_view>
#include <utility>
#include <vector>

#include "detector/model/snapshot.h"
#include "stranded/dump_format.h"

namespace stranded::detector {

struct ObjectCounts {
  std::size_t tasks = 0, spawns = 0, events = 0;
};

class PacketDecoder {
 public:
  // `expected`: of each snapshot, for the room; guesses.
  explicit PacketDecoder(Dump& dump, std::vector<ObjectCounts> expected = {})
      : dump_(dump), expected_(std::move(expected)) {}
  // `body` must lie inside dump.bytes. False if it is no valid packet, or if the model would grow
  // out of proportion to the file; the dump keeps what it had.
  bool Decode(std::string_view body);

 private:
  Snapshot& Current();
  void Begin();
  void DecodeBody(dump::PacketTag tag, const protozero::data_view& body);
  // Notes that the model grew. Small packets can describe large objects, a hostile file is full of
  // them: what goes beyond a multiple of the file's size is refused.
  bool Afford(std::size_t bytes);
  Dump& dump_;
  const std::vector<ObjectCounts> expected_;
  std::size_t spent_ = 0;
};

}  // namespace stranded::detector

#endif  // STRANDED_DETECTOR_INPUT_PACKET_DECODER_H_
