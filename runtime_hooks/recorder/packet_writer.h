// Puts packets together and hands them to a sink, without allocating.
//
// Overview: a packet is built in a buffer of fixed size, so that the same code serves ordinary
// dumps and a fatal signal. Sites are interned by address: the first use of one writes its packet.
// Thread safety: one writer, one thread.
// Invariants: a packet that would not fit its buffer is left out and counted, never cut.
// Ownership: the sink's argument belongs to the caller.
#ifndef STRANDED_RUNTIME_HOOKS_RECORDER_PACKET_WRITER_H_
#define STRANDED_RUNTIME_HOOKS_RECORDER_PACKET_WRITER_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <protozero/basic_pbf_builder.hpp>
#include <protozero/buffer_fixed.hpp>
#include <source_location>
#include <string_view>

#include "stranded/dump_format.h"

namespace stranded::internal {

using Buffer = protozero::fixed_size_buffer_adaptor;
// What is zero or empty is left out, as in proto3: who reads starts with that. Of a channel or a
// context that is half of its fields.
template <class Tag>
class Builder : public protozero::basic_pbf_builder<Buffer, Tag> {
  using Base = protozero::basic_pbf_builder<Buffer, Tag>;

 public:
  using Base::Base;
  void add_uint64(Tag tag, std::uint64_t value) {
    if (value != 0) Base::add_uint64(tag, value);
  }
  void add_int64(Tag tag, std::int64_t value) {
    if (value != 0) Base::add_int64(tag, value);
  }
  void add_uint32(Tag tag, std::uint32_t value) {
    if (value != 0) Base::add_uint32(tag, value);
  }
  void add_enum(Tag tag, std::int32_t value) {
    if (value != 0) Base::add_enum(tag, value);
  }
  void add_bool(Tag tag, bool value) {
    if (value) Base::add_bool(tag, value);
  }
  void add_string(Tag tag, std::string_view text) { add_string(tag, text.data(), text.size()); }
  void add_string(Tag tag, const char* text, std::size_t size) {
    if (size != 0) Base::add_string(tag, text, size);
  }
};

// Receives the bytes of whole packets.
struct Sink {
  void (*write)(void* arg, const char* bytes, std::size_t count) = nullptr;
  void* arg = nullptr;
  // Now is the time for what takes long, like a write to a file: nobody is held up. May be null.
  void (*rest)(void* arg) = nullptr;
};

class PacketWriter {
 public:
  explicit PacketWriter(Sink sink) : sink_(sink) {}
  // As new. The table of sites is not cleared for that: it is large.
  void Reset(Sink sink);

  // Calls fill(builder) for the body of one packet of the kind `tag`.
  template <class Tag, class Fill>
  void Write(dump::PacketTag tag, Fill&& fill) {
    Buffer buffer(body_.data(), body_.size());
    try {
      Builder<dump::PacketTag> packet(buffer);
      Builder<Tag> body(packet, tag);
      fill(body);
    } catch (const std::length_error&) {
      ++too_large_;
      return;
    }
    Emit(buffer.data(), buffer.size());
  }

  // The id of a site; 0 for none. Writes its packet at first use.
  std::uint32_t Site(const char* file, const char* function, std::uint32_t line,
                     std::uint32_t column);
  std::uint32_t Site(const std::source_location& site) {
    return Site(site.file_name(), site.function_name(), site.line(), site.column());
  }

  // Whole packets that were made before.
  void Append(std::string_view packets, std::uint64_t count) {
    sink_.write(sink_.arg, packets.data(), packets.size());
    packets_ += count;
  }

  void Rest() {
    if (sink_.rest != nullptr) sink_.rest(sink_.arg);
  }

  std::uint64_t packets() const { return packets_; }
  std::uint64_t too_large() const { return too_large_; }

 private:
  struct Known {
    const char* file = nullptr;
    std::uint32_t line = 0, column = 0, id = 0;
    std::uint32_t generation = 0;  // free unless it is the writer's
  };
  void Emit(const char* bytes, std::size_t count);

  Sink sink_;
  std::uint64_t packets_ = 0, too_large_ = 0;
  std::uint32_t next_site_ = 1, generation_ = 1;
  std::array<Known, 8192> sites_{};
  std::array<char, 32768> body_;
  std::array<char, 4096> site_body_;
};

// Strings in a dump end here: nobody reads further, and packets stay small.
std::string_view Cut(std::string_view text);

}  // namespace stranded::internal

#endif  // STRANDED_RUNTIME_HOOKS_RECORDER_PACKET_WRITER_H_
