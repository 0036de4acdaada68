// Where packets begin and end in the bytes of a dump.
#ifndef STRANDED_DETECTOR_INPUT_PACKET_FRAME_H_
#define STRANDED_DETECTOR_INPUT_PACKET_FRAME_H_

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "detector/input/dump_input.h"

namespace stranded::detector {

struct Frame {
  std::uint64_t body = 0, end = 0;  // of the packet's body, after its checksum
  bool ok = false;                  // there is a whole packet here
  bool cut = false;                 // it would go on behind the end of the file
};

// What begins at `at`, without a look at the checksum's truth.
Frame FrameAt(DumpInput& input, std::uint64_t at);
bool ChecksumRight(DumpInput& input, const Frame& frame);
inline std::string_view BodyOf(DumpInput& input, const Frame& frame) {
  return input.At(frame.body, static_cast<std::size_t>(frame.end - frame.body));
}

// After damage: the next place where a whole packet with a right checksum begins. The work on
// checksums is bounded by a multiple of the file's size.
class Resync {
 public:
  explicit Resync(DumpInput& input) : input_(input), budget_(8 * input.size()) {}
  std::uint64_t Next(std::uint64_t from);

 private:
  DumpInput& input_;
  std::uint64_t budget_;
};

}  // namespace stranded::detector

#endif  // STRANDED_DETECTOR_INPUT_PACKET_FRAME_H_
