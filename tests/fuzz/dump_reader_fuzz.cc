// Feeds bytes to the dump reader and what it could read to the rules (libFuzzer).
//
// Random bytes never carry right checksums. So the input is tried as it is, and once more with
// every packet's checksum put right, so that the decoders see damaged bodies, too.
#include <zlib.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>

#include "detector/model/snapshot.h"
#include "stranded/analysis.h"
#include "stranded/dump_reader.h"

namespace {

// The length of the packet at `at` and where its content begins; false if there is none.
bool PacketAt(const std::string& bytes, std::size_t at, std::size_t& begin, std::size_t& length) {
  if (bytes[at] != 0x0a) return false;
  length = 0;
  begin = at + 1;
  for (int shift = 0; begin < bytes.size() && shift < 28; shift += 7) {
    const auto byte = static_cast<unsigned char>(bytes[begin++]);
    length |= static_cast<std::size_t>(byte & 0x7f) << shift;
    if (byte < 0x80) return length > 5 && length <= bytes.size() - begin;
  }
  return false;
}

std::string WithRightChecksums(std::string bytes) {
  std::size_t at = 0, begin = 0, length = 0;
  while (at < bytes.size() && PacketAt(bytes, at, begin, length)) {
    const auto* body = reinterpret_cast<const unsigned char*>(bytes.data()) + begin + 5;
    const auto crc = static_cast<std::uint32_t>(crc32(0, body, static_cast<unsigned>(length - 5)));
    bytes[begin] = 0x0d;
    std::memcpy(&bytes[begin + 1], &crc, sizeof crc);
    at = begin + length;
  }
  return bytes;
}

using stranded::detector::EventStorage;

// Events in memory and each task, or events left where they are and tasks merged.
void Examine(const std::string& bytes, EventStorage events) {
  stranded::AnalysisOptions options;
  stranded::detector::ReadOptions read;
  read.events = events;
  if (events == EventStorage::kEncoded) {
    read.merge = stranded::detector::MergeAlike{options.min_age, options.most_tasks_listed};
  }
  const auto dump = stranded::detector::ReadDump(bytes, "fuzz", read);
  if (!dump.ok()) return;
  options.symbolize = false;  // the dump names files of this machine
  options.source_root = "/nonexistent";
  stranded::Analyze(*dump, options);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string bytes(reinterpret_cast<const char*>(data), size);
  for (const EventStorage events : {EventStorage::kDecoded, EventStorage::kEncoded}) {
    Examine(bytes, events);
    Examine(WithRightChecksums(bytes), events);
  }
  return 0;
}
