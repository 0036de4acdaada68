// Walking the blocks of a mapped file, whatever is in it.
#ifndef STRANDED_DETECTOR_INPUT_MAPPED_BLOCKS_H_
#define STRANDED_DETECTOR_INPUT_MAPPED_BLOCKS_H_

#include <algorithm>
#include <cstring>
#include <string_view>

#include "stranded/mapped_format.h"

namespace stranded::detector {

inline std::size_t RecordBytes(mapped::BlockKind kind) {
  using Kind = mapped::BlockKind;
  switch (kind) {
    case Kind::kTasks: return sizeof(mapped::Task);
    case Kind::kContexts: return sizeof(mapped::Context);
    case Kind::kChannels: return sizeof(mapped::Channel);
    case Kind::kSyncs: return sizeof(mapped::Sync);
    case Kind::kSites: return sizeof(mapped::Site);
    case Kind::kTexts: return mapped::kTextUnit;
    case Kind::kRing: return sizeof(mapped::Event);
    case Kind::kNone: break;
  }
  return 0;
}

template <class T>
T Load(std::string_view bytes, std::size_t at) {
  T value;
  std::memcpy(static_cast<void*>(&value), bytes.data() + at, sizeof value);
  return value;
}

inline bool IsSound(const mapped::Block& block, std::size_t room) {
  return block.bytes >= sizeof block && block.bytes <= room && block.bytes % sizeof block == 0;
}

// Calls f(block, first record's offset, records) for every block that lies within the bytes and is
// of a known kind. False if the chain is broken.
template <class F>
bool ForEachBlock(std::string_view bytes, F&& f) {
  const auto used = Load<mapped::Header>(bytes, 0).used;
  const std::size_t end = std::min<std::uint64_t>(used, bytes.size());
  std::size_t at = mapped::kHeaderBytes;
  while (at + sizeof(mapped::Block) <= end) {
    const auto block = Load<mapped::Block>(bytes, at);
    if (!IsSound(block, end - at)) return false;
    const std::size_t size = RecordBytes(block.kind);
    // Records of another size are of a newer minor version: passed over.
    if (size != 0 && block.record_bytes == size) {
      f(block, at + sizeof block, (block.bytes - sizeof block) / size);
    }
    at += block.bytes;
  }
  return used <= bytes.size() && at == end;
}

}  // namespace stranded::detector

#endif  // STRANDED_DETECTOR_INPUT_MAPPED_BLOCKS_H_
