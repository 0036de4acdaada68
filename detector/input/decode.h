// What the decoders of packets share.
#ifndef STRANDED_DETECTOR_INPUT_DECODE_H_
#define STRANDED_DETECTOR_INPUT_DECODE_H_

#include <cstdint>
#include <protozero/pbf_message.hpp>
#include <string_view>

#include "absl/functional/function_ref.h"
#include "detector/model/snapshot.h"

namespace stranded::detector {

using protozero::data_view;

// A field of another wire type than the schema's is damage, not a programming error: protozero only
// asserts it.
struct WrongWireType : protozero::exception {
  const char* what() const noexcept override { return "wrong wire type"; }
};

template <class Base>
class CheckedReader : public Base {
 public:
  using Base::Base;
  std::uint64_t get_uint64() { return Checked(Wire::varint).Base::get_uint64(); }
  std::int64_t get_int64() { return Checked(Wire::varint).Base::get_int64(); }
  std::uint32_t get_uint32() { return Checked(Wire::varint).Base::get_uint32(); }
  std::int32_t get_enum() { return Checked(Wire::varint).Base::get_enum(); }
  bool get_bool() { return Checked(Wire::varint).Base::get_bool(); }
  data_view get_view() { return Checked(Wire::length_delimited).Base::get_view(); }
  auto get_packed_uint64() { return Checked(Wire::length_delimited).Base::get_packed_uint64(); }
  auto get_packed_uint32() { return Checked(Wire::length_delimited).Base::get_packed_uint32(); }
  auto get_packed_sint64() { return Checked(Wire::length_delimited).Base::get_packed_sint64(); }
  auto get_packed_fixed64() { return Checked(Wire::length_delimited).Base::get_packed_fixed64(); }

 private:
  using Wire = protozero::pbf_wire_type;
  CheckedReader& Checked(Wire wanted) {
    if (this->wire_type() != wanted) throw WrongWireType();
    return *this;
  }
};

template <class Tag>
using Message = CheckedReader<protozero::pbf_message<Tag>>;
using Reader = CheckedReader<protozero::pbf_reader>;

inline std::string_view View(const data_view& v) { return {v.data(), v.size()}; }

// Whether the model may take so many bytes more.
using AffordRef = absl::FunctionRef<bool(std::size_t bytes)>;

// Values beyond those this version knows read as the first one, which means "unknown" or "none".
template <class E>
E Enum(std::int32_t value, E last) {
  return value < 0 || value > static_cast<std::int32_t>(last) ? E{} : static_cast<E>(value);
}

Channel ReadChannel(const data_view& bytes);
// Appends the events of a batch. False if it is damaged; those before the damage are read.
bool ReadEvents(const data_view& bytes, LargeVector<Event>& out);
// The same for the packet with the batch in it.
bool ReadEventPacket(std::string_view packet, LargeVector<Event>& out);
// The events in a packet with a batch; 0 if it is not readable, or of version 1.0.
std::size_t CountOfEvents(std::string_view packet);
// Reads a task; its cases, frames and locks go to the snapshot's arrays.
Task ReadTask(const data_view& bytes, Snapshot& s);

}  // namespace stranded::detector

#endif  // STRANDED_DETECTOR_INPUT_DECODE_H_
