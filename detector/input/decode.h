// What the decoders of packets share.
#ifndef STRANDED_DETECTOR_INPUT_DECODE_H_
#define STRANDED_DETECTOR_INPUT_DECODE_H_

#include <cstdint>
#include <protozero/pbf_message.hpp>
#include <string_view>

#include "detector/model/snapshot.h"

namespace stranded::detector {

using protozero::data_view;
template <class Tag>
using Message = protozero::pbf_message<Tag>;

inline std::string_view View(const data_view& v) { return {v.data(), v.size()}; }

// Values beyond those this version knows read as the first one, which means "unknown" or "none".
template <class E>
E Enum(std::int32_t value, E last) {
  return value < 0 || value > static_cast<std::int32_t>(last) ? E{} : static_cast<E>(value);
}

// Reads a task; its cases, frames and locks go to the snapshot's arrays.
Task ReadTask(const data_view& bytes, Snapshot& s);

}  // namespace stranded::detector

#endif  // STRANDED_DETECTOR_INPUT_DECODE_H_
