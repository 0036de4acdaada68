#include "stranded/dump_reader.h"

#include <unistd.h>
#include <zlib.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <protozero/exception.hpp>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "detector/input/canonical_sites.h"
#include "detector/input/mapped_file.h"
#include "detector/input/packet_decoder.h"
#include "detector/input/task_batch_decoder.h"
#include "stranded/dump_format.h"
#include "stranded/mapped_format.h"
#include "stranded/paths.h"

namespace stranded::detector {
namespace {

constexpr char kPacketTag = 0x0a;    // field 1 of Dump, length-delimited
constexpr char kChecksumTag = 0x0d;  // field 1 of Packet, fixed32
constexpr std::size_t kChecksumBytes = 5;
constexpr std::size_t kLargestPacket = 1 << 20;

std::string Named(const std::string& source) {
  return source == "-" ? "standard input" : absl::StrCat("'", source, "'");
}

struct Frame {
  std::size_t body = 0, end = 0;  // of the packet's body, after its checksum
  bool ok = false;                // there is a whole packet here
  bool cut = false;               // it would go on behind the end of the file
};

// What begins at `at`, without a look at the checksum's truth.
Frame FrameAt(const std::string& bytes, std::size_t at) {
  Frame frame;
  if (bytes[at] != kPacketTag) return frame;
  std::uint64_t length = 0;
  std::size_t i = at + 1;
  for (int shift = 0;; shift += 7, ++i) {
    if (i >= bytes.size()) {
      frame.cut = true;
      return frame;
    }
    if (shift > 28) return frame;
    length |= static_cast<std::uint64_t>(bytes[i] & 0x7f) << shift;
    if ((bytes[i] & 0x80) == 0) break;
  }
  ++i;
  if (length <= kChecksumBytes) return frame;
  if (i < bytes.size() && bytes[i] != kChecksumTag) return frame;
  if (length > bytes.size() - i) {
    frame.cut = true;
    return frame;
  }
  frame.body = i + kChecksumBytes;
  frame.end = i + length;
  frame.ok = true;
  return frame;
}

bool ChecksumRight(const std::string& bytes, const Frame& frame) {
  const auto* p = reinterpret_cast<const unsigned char*>(bytes.data());
  const unsigned char* stored = p + frame.body - 4;
  const std::uint32_t want =
      stored[0] | stored[1] << 8 | stored[2] << 16 | static_cast<std::uint32_t>(stored[3]) << 24;
  const std::size_t count = frame.end - frame.body;
  return crc32(0, p + frame.body, static_cast<unsigned>(count)) == want;
}

// After damage: the next place where a whole packet with a right checksum begins. The work on
// checksums is bounded by a multiple of the file's size.
class Resync {
 public:
  explicit Resync(const std::string& bytes) : bytes_(bytes), budget_(8 * bytes.size()) {}
  std::size_t Next(std::size_t from) {
    for (std::size_t at = from; at < bytes_.size(); ++at) {
      const Frame frame = FrameAt(bytes_, at);
      if (!frame.ok) continue;
      const std::size_t cost = frame.end - frame.body;
      if (cost > kLargestPacket) continue;  // a false length; writers keep packets small
      if (cost > budget_) break;
      budget_ -= cost;
      if (ChecksumRight(bytes_, frame)) return at;
    }
    return bytes_.size();
  }

 private:
  const std::string& bytes_;
  std::size_t budget_;
};

// How many tasks each snapshot seems to have, by a look at the heads of the packets: room that is
// made once is not copied again and again. Never more than the bytes could hold.
std::vector<ObjectCounts> CountObjects(const std::string& bytes) {
  std::vector<ObjectCounts> counts(1);
  bool begun = false;
  for (std::size_t at = 0; at < bytes.size();) {
    const Frame frame = FrameAt(bytes, at);
    if (!frame.ok) break;
    const std::string_view body(bytes.data() + frame.body, frame.end - frame.body);
    at = frame.end;
    switch (HeadOf(body)) {
      case stranded::dump::PacketTag::kSnapshot:
        if (begun) counts.emplace_back();
        begun = true;
        break;
      case stranded::dump::PacketTag::kTask: ++counts.back().tasks; break;
      case stranded::dump::PacketTag::kSpawn: ++counts.back().spawns; break;
      case stranded::dump::PacketTag::kTaskBatch: {
        const std::size_t count = CountOfBatch(body);
        counts.back().tasks += count;
        counts.back().spawns += count;
        break;
      }
      case stranded::dump::PacketTag::kEvents: counts.back().events += CountOfEvents(body); break;
      default: break;
    }
  }
  return counts;
}

absl::Status ReadPackets(Dump& dump) {
  const std::string& bytes = dump.bytes;
  PacketDecoder decoder(dump, CountObjects(bytes));
  Resync resync(bytes);
  std::size_t at = 0;
  while (at < bytes.size()) {
    const Frame frame = FrameAt(bytes, at);
    if (frame.ok && ChecksumRight(bytes, frame)) {
      ++dump.packets;
      if (!decoder.Decode({bytes.data() + frame.body, frame.end - frame.body})) {
        ++dump.damage.packets_bad;
      }
      if (dump.version_major > stranded::dump::kVersionMajor) return absl::OkStatus();
      at = frame.end;
      continue;
    }
    const std::size_t next = resync.Next(at + 1);
    if (frame.ok) ++dump.damage.packets_bad;
    if (next == bytes.size() && frame.cut) {
      dump.damage.cut = true;
    }
    dump.damage.bytes_skipped += next - at;
    at = next;
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::shared_ptr<const Dump>> ReadDump(std::string bytes, std::string source,
                                                     const std::string& source_root) {
  auto dump = std::make_shared<Dump>();
  dump->bytes = std::move(bytes);
  dump->source = std::move(source);
  if (dump->bytes.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat(Named(dump->source),
                     " is empty: the program wrote no dump. Did it end before "
                     "it could, or was the disk full?"));
  }
  if (IsMappedFile(dump->bytes)) {
    if (absl::Status read = ReadMappedFile(*dump); !read.ok()) return read;
    CanonizeSites(*dump);
    return std::shared_ptr<const Dump>(std::move(dump));
  }
  if (absl::Status read = ReadPackets(*dump); !read.ok()) return read;
  if (dump->version_major > stranded::dump::kVersionMajor) {
    return absl::UnimplementedError(absl::StrCat(
        Named(dump->source), " has dump format version ", dump->version_major, ".",
        dump->version_minor, "; this program reads up to version ", stranded::dump::kVersionMajor,
        ".x. Use the stranded program that belongs to ", std::string(dump->producer), "."));
  }
  if (dump->packets == 0) {
    return absl::InvalidArgumentError(absl::StrCat(
        Named(dump->source), " is not a Stranded dump: no readable packet in ", dump->bytes.size(),
        " bytes. Dumps are written by "
        "STRANDED_OPTIONS=dump=FILE or WriteDump()."));
  }
  if (!source_root.empty()) {
    const std::string prefix = PathPrefix(source_root);
    for (auto& [id, site] : dump->sites) site.file = BelowPrefix(site.file, prefix);
  }
  CanonizeSites(*dump);
  if (dump->snapshots.empty() || !dump->snapshots.back().complete) dump->damage.cut = true;
  return std::shared_ptr<const Dump>(std::move(dump));
}

absl::StatusOr<std::shared_ptr<const Dump>> ReadDumpFile(const std::string& path,
                                                         const std::string& source_root) {
  std::FILE* file = path == "-" ? stdin : std::fopen(path.c_str(), "rbe");
  const auto cannot = [&](int error) {
    const std::string what = absl::StrCat("cannot read ", Named(path), ": ", std::strerror(error));
    return error == ENOENT ? absl::NotFoundError(what) : absl::UnavailableError(what);
  };
  if (file == nullptr) return cannot(errno);
  std::string bytes;
  char buffer[1 << 16];
  errno = 0;
  char magic[sizeof stranded::mapped::kMagic];
  if (file != stdin && pread(fileno(file), magic, sizeof magic, 0) == sizeof magic &&
      IsMappedFile({magic, sizeof magic})) {
    auto copy = CopyMappedFile(fileno(file), Named(path));
    std::fclose(file);
    if (!copy.ok()) return copy.status();
    return ReadDump(*std::move(copy), path);
  }
  while (const std::size_t n = std::fread(buffer, 1, sizeof buffer, file)) bytes.append(buffer, n);
  const int error = std::ferror(file) ? errno : 0;
  if (file != stdin) std::fclose(file);
  if (error != 0) return cannot(error);
  return ReadDump(std::move(bytes), path, source_root);
}

}  // namespace stranded::detector
