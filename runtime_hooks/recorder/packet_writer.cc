#include "runtime_hooks/recorder/packet_writer.h"

#include <libdeflate.h>

#include <cstring>
#include <stdexcept>

namespace stranded::internal {
namespace {

constexpr std::size_t kLongestString = 1024;
constexpr std::size_t kProbes = 16;

std::size_t PutVarint(char* to, std::uint64_t value) {
  std::size_t n = 0;
  while (value >= 0x80) {
    to[n++] = static_cast<char>(value | 0x80);
    value >>= 7;
  }
  to[n++] = static_cast<char>(value);
  return n;
}

}  // namespace

std::string_view Cut(std::string_view text) { return text.substr(0, kLongestString); }

void PacketWriter::Reset(Sink sink) {
  sink_ = sink;
  packets_ = too_large_ = 0;
  next_site_ = 1;
  if (++generation_ == 0) {
    sites_.fill(Known());
    generation_ = 1;
  }
}

// Packet: field 1 of Dump, its length, then the checksum (fixed32, field 1) and the body.
void PacketWriter::Emit(const char* bytes, std::size_t count) {
  constexpr std::size_t kChecksum = 5;
  char head[16 + kChecksum];
  std::size_t n = 0;
  head[n++] = 0x0a;
  n += PutVarint(head + n, count + kChecksum);
  const std::uint32_t crc = libdeflate_crc32(0, bytes, count);
  head[n++] = 0x0d;
  for (int i = 0; i < 4; ++i) head[n++] = static_cast<char>(crc >> (8 * i));
  sink_.write(sink_.arg, head, n);
  sink_.write(sink_.arg, bytes, count);
  ++packets_;
}

std::uint32_t PacketWriter::Site(const char* file, const char* function, std::uint32_t line,
                                 std::uint32_t column) {
  if (file == nullptr || line == 0) return 0;
  std::size_t at =
      (reinterpret_cast<std::uintptr_t>(file) * 31 + line * 2654435761U + column * 97) %
      sites_.size();
  Known* free = nullptr;
  for (std::size_t i = 0; i < kProbes; ++i, at = (at + 1) % sites_.size()) {
    Known& known = sites_[at];
    if (known.generation != generation_) {
      free = &known;
      break;
    }
    if (known.file == file && known.line == line && known.column == column) return known.id;
  }
  const std::uint32_t id = next_site_++;
  if (free != nullptr)
    *free = Known{file, line, column, id, generation_};  // a full table only repeats sites
  Buffer buffer(site_body_.data(), site_body_.size());
  {
    Builder<dump::PacketTag> packet(buffer);
    Builder<dump::SiteTag> body(packet, dump::PacketTag::kSite);
    body.add_uint32(dump::SiteTag::kId, id);
    const std::string_view f = Cut(file), g = Cut(function == nullptr ? "" : function);
    body.add_string(dump::SiteTag::kFile, f.data(), f.size());
    body.add_string(dump::SiteTag::kFunction, g.data(), g.size());
    body.add_uint32(dump::SiteTag::kLine, line);
    body.add_uint32(dump::SiteTag::kColumn, column);
  }
  Emit(buffer.data(), buffer.size());
  return id;
}

}  // namespace stranded::internal
