#include "stranded/dump_reader.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "detector/input/canonical_sites.h"
#include "detector/input/dump_input.h"
#include "detector/input/gunzip.h"
#include "detector/input/mapped_file.h"
#include "detector/input/packet_decoder.h"
#include "detector/input/packet_frame.h"
#include "detector/input/plain_names.h"
#include "detector/input/task_batch_decoder.h"
#include "stranded/dump_format.h"
#include "stranded/mapped_format.h"
#include "stranded/paths.h"

namespace stranded::detector {
namespace {

std::string Named(const std::string& source) {
  return source == "-" ? "standard input" : absl::StrCat("'", source, "'");
}

// How many tasks each snapshot seems to have, by a look at the heads of the packets: room that is
// made once is not copied again and again. Never more than the bytes could hold.
std::vector<ObjectCounts> CountObjects(DumpInput& input, EventStorage events, bool merge) {
  using Tag = stranded::dump::PacketTag;
  std::vector<ObjectCounts> counts(1);
  bool begun = false;
  for (std::uint64_t at = 0; at < input.size();) {
    const Frame frame = FrameAt(input, at);
    if (!frame.ok) break;
    const std::string_view body = BodyOf(input, frame);
    at = frame.end;
    switch (HeadOf(body)) {
      case Tag::kSnapshot:
        if (begun) counts.emplace_back();
        begun = true;
        break;
      case Tag::kTask: ++counts.back().tasks; break;
      case Tag::kSpawn: ++counts.back().spawns; break;
      case Tag::kTaskBatch: {
        if (merge) break;
        const std::size_t count = CountOfBatch(body);
        counts.back().tasks += count;
        counts.back().spawns += count;
        break;
      }
      case Tag::kEvents:
        if (events == EventStorage::kDecoded) counts.back().events += CountOfEvents(body);
        break;
      default: break;
    }
  }
  return counts;
}

void ReadPackets(DumpInput& input, EventStorage events, Dump& dump) {
  PacketDecoder decoder(dump, input, events, CountObjects(input, events, dump.merged.has_value()));
  Resync resync(input);
  for (std::uint64_t at = 0; at < input.size();) {
    const Frame frame = FrameAt(input, at);
    if (frame.ok && ChecksumRight(input, frame)) {
      ++dump.packets;
      if (!decoder.Decode(BodyOf(input, frame), at, frame.end)) ++dump.damage.packets_bad;
      if (dump.version_major > stranded::dump::kVersionMajor) return;
      at = frame.end;
      continue;
    }
    const std::uint64_t next = resync.Next(at + 1);
    if (frame.ok) ++dump.damage.packets_bad;
    if (next == input.size() && frame.cut) dump.damage.cut = true;
    dump.damage.bytes_skipped += next - at;
    at = next;
  }
  decoder.Finish();
}

using ReadResult = absl::StatusOr<std::shared_ptr<const Dump>>;

absl::Status Cannot(const std::string& source, int error) {
  const std::string what = absl::StrCat("cannot read ", Named(source), ": ", std::strerror(error));
  return error == ENOENT ? absl::NotFoundError(what) : absl::UnavailableError(what);
}

absl::Status Empty(const std::string& source) {
  return absl::InvalidArgumentError(absl::StrCat(Named(source),
                                                 " is empty: the program wrote no dump. Did it end "
                                                 "before it could, or was the disk full?"));
}

absl::Status Packed(const std::string& source, const absl::Status& why) {
  return absl::Status(
      why.code(), absl::StrCat("cannot read ", Named(source), ": ", std::string(why.message())));
}

ReadResult ReadInput(DumpInput input, EventStorage events, const std::string& source_root,
                     std::shared_ptr<Dump> dump) {
  ReadPackets(input, events, *dump);
  if (input.error() != 0) return Cannot(dump->source, input.error());
  if (dump->version_major > stranded::dump::kVersionMajor) {
    return absl::UnimplementedError(absl::StrCat(
        Named(dump->source), " has dump format version ", dump->version_major, ".",
        dump->version_minor, "; this program reads up to version ", stranded::dump::kVersionMajor,
        ".x. Use the stranded program that belongs to ", std::string(dump->producer), "."));
  }
  if (dump->packets == 0) {
    return absl::InvalidArgumentError(absl::StrCat(
        Named(dump->source), " is not a Stranded dump: no readable packet in ", input.size(),
        input.size() == 1 ? " byte" : " bytes",
        ". Dumps are written by STRANDED_OPTIONS=dump=FILE or WriteDump(); goroutine dumps of Go "
        "programs are read as well."));
  }
  if (!source_root.empty()) {
    const std::string prefix = PathPrefix(source_root);
    for (auto& [id, site] : dump->sites) site.file = BelowPrefix(site.file, prefix);
  }
  MakePlain(*dump);
  CanonizeSites(*dump);
  if (dump->snapshots.empty() || !dump->snapshots.back().complete) dump->damage.cut = true;
  return std::shared_ptr<const Dump>(std::move(dump));
}

// The size of a regular file with something in it; else 0, and it must be read to its end.
std::uint64_t SizeOf(std::FILE* file) {
  struct stat info = {};
  if (fstat(fileno(file), &info) != 0 || !S_ISREG(info.st_mode)) return 0;
  return static_cast<std::uint64_t>(info.st_size);
}

// As it says how it was read.
std::shared_ptr<Dump> NewDump(const ReadOptions& options) {
  auto dump = std::make_shared<Dump>();
  dump->merged = options.merge;
  dump->channels_read = options.channels;
  dump->contexts_read = options.contexts;
  return dump;
}

}  // namespace

ReadResult ReadDump(std::string bytes, std::string source, const ReadOptions& options) {
  auto dump = NewDump(options);
  if (LooksLikeGzip(bytes)) {
    auto unpacked = Gunzip(bytes);
    if (!unpacked.ok()) return Packed(source, unpacked.status());
    bytes = *std::move(unpacked);
  }
  dump->bytes = std::move(bytes);
  dump->source = std::move(source);
  if (dump->bytes.empty()) return Empty(dump->source);
  if (IsMappedFile(dump->bytes)) {
    if (absl::Status read = ReadMappedFile(*dump); !read.ok()) return read;
    MakePlain(*dump);
    CanonizeSites(*dump);
    return std::shared_ptr<const Dump>(std::move(dump));
  }
  return ReadInput(DumpInput(std::string_view(dump->bytes)), options.events, options.source_root,
                   dump);
}

ReadResult ReadDump(std::string bytes, std::string source, const std::string& source_root,
                    EventStorage events) {
  ReadOptions options;
  options.source_root = source_root;
  options.events = events;
  return ReadDump(std::move(bytes), std::move(source), options);
}

ReadResult ReadDumpFile(const std::string& path, const std::string& source_root,
                        EventStorage events) {
  ReadOptions options;
  options.source_root = source_root;
  options.events = events;
  return ReadDumpFile(path, options);
}

ReadResult ReadDumpFile(const std::string& path, const ReadOptions& options) {
  std::FILE* file = path == "-" ? stdin : std::fopen(path.c_str(), "rbe");
  if (file == nullptr) return Cannot(path, errno);
  std::string bytes;
  char buffer[1 << 16];
  errno = 0;
  char magic[sizeof stranded::mapped::kMagic];
  const ssize_t got = file == stdin ? 0 : pread(fileno(file), magic, sizeof magic, 0);
  const std::string_view head(magic, static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
  if (IsMappedFile(head)) {
    auto copy = CopyMappedFile(fileno(file), Named(path));
    std::fclose(file);
    if (!copy.ok()) return copy.status();
    return ReadDump(*std::move(copy), path);
  }
  if (const std::uint64_t size = file == stdin ? 0 : SizeOf(file);
      size != 0 && options.events == EventStorage::kEncoded && !LooksLikeGzip(head)) {
    const int fd = fcntl(fileno(file), F_DUPFD_CLOEXEC, 0);
    const int error = errno;
    std::fclose(file);
    if (fd < 0) return Cannot(path, error);
    auto dump = NewDump(options);
    dump->source = path;
    return ReadInput(DumpInput(std::make_shared<InputFile>(fd), size), options.events,
                     options.source_root, dump);
  }
  while (const std::size_t n = std::fread(buffer, 1, sizeof buffer, file)) bytes.append(buffer, n);
  const int error = std::ferror(file) ? errno : 0;
  if (file != stdin) std::fclose(file);
  if (error != 0) return Cannot(path, error);
  return ReadDump(std::move(bytes), path, options);
}

}  // namespace stranded::detector
