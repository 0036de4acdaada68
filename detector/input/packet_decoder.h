// One packet of a dump into the model.
#ifndef STRANDED_DETECTOR_INPUT_PACKET_DECODER_H_
#define STRANDED_DETECTOR_INPUT_PACKET_DECODER_H_

#include <string_view>

#include "detector/model/snapshot.h"

namespace stranded::detector {

class PacketDecoder {
 public:
  explicit PacketDecoder(Dump& dump) : dump_(dump) {}
  // `body` must lie inside dump.bytes. False if it is no valid packet; the dump keeps what it had.
  bool Decode(std::string_view body);

 private:
  Snapshot& Current();
  Dump& dump_;
};

}  // namespace stranded::detector

#endif  // STRANDED_DETECTOR_INPUT_PACKET_DECODER_H_
