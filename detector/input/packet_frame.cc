#include "detector/input/packet_frame.h"

#include <libdeflate.h>

namespace stranded::detector {
namespace {

constexpr char kPacketTag = 0x0a;    // field 1 of Dump, length-delimited
constexpr char kChecksumTag = 0x0d;  // field 1 of Packet, fixed32
constexpr std::size_t kChecksumBytes = 5;
constexpr std::size_t kMostHead = 1 + 5 + kChecksumBytes;
// Beyond it is a false length: writers keep packets small.
constexpr std::size_t kLargestPacket = 1 << 20;

}  // namespace

Frame FrameAt(DumpInput& input, std::uint64_t at) {
  Frame frame;
  const std::string_view head = input.At(at, kMostHead);
  if (head.empty() || head[0] != kPacketTag) return frame;
  std::uint64_t length = 0;
  std::size_t i = 1;
  for (int shift = 0;; shift += 7, ++i) {
    if (i >= head.size()) {
      frame.cut = true;
      return frame;
    }
    if (shift > 28) return frame;
    length |= static_cast<std::uint64_t>(head[i] & 0x7f) << shift;
    if ((head[i] & 0x80) == 0) break;
  }
  ++i;
  if (length <= kChecksumBytes) return frame;
  if (i < head.size() && head[i] != kChecksumTag) return frame;
  if (length > input.size() - (at + i)) {
    frame.cut = true;
    return frame;
  }
  frame.body = at + i + kChecksumBytes;
  frame.end = at + i + length;
  frame.ok = true;
  return frame;
}

bool ChecksumRight(DumpInput& input, const Frame& frame) {
  const auto count = static_cast<std::size_t>(frame.end - frame.body);
  if (count > kLargestPacket) return false;
  const std::string_view bytes = input.At(frame.body - 4, count + 4);
  if (bytes.size() != count + 4) return false;
  const auto* p = reinterpret_cast<const unsigned char*>(bytes.data());
  const std::uint32_t want = p[0] | p[1] << 8 | p[2] << 16 | static_cast<std::uint32_t>(p[3]) << 24;
  return libdeflate_crc32(0, p + 4, count) == want;
}

std::uint64_t Resync::Next(std::uint64_t from) {
  constexpr std::size_t kStretch = 64 << 10;
  for (std::uint64_t at = from; at < input_.size();) {
    const std::string_view stretch = input_.At(at, kStretch);
    if (stretch.empty()) break;
    const std::size_t tag = stretch.find(kPacketTag);
    at += tag == std::string_view::npos ? stretch.size() : tag;
    if (tag == std::string_view::npos) continue;
    const Frame frame = FrameAt(input_, at);
    const std::uint64_t cost = frame.end - frame.body;
    if (frame.ok && cost <= kLargestPacket) {
      if (cost > budget_) break;
      budget_ -= cost;
      if (ChecksumRight(input_, frame)) return at;
    }
    ++at;
  }
  return input_.size();
}

}  // namespace stranded::detector
