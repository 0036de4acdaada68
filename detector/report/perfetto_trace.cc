#include "detector/report/perfetto_trace.h"

#include <algorithm>
#include <protozero/pbf_writer.hpp>

#include "detector/report/portable.h"

namespace stranded::detector {
namespace {

using protozero::pbf_writer;

constexpr std::uint32_t kPacket = 1;                     // Trace
constexpr std::uint32_t kTimestamp = 8, kSequence = 10;  // TracePacket
constexpr std::uint32_t kSequenceFlags = 13;
constexpr std::uint32_t kTrackEvent = 11, kDescriptor = 60;
constexpr std::uint32_t kSequenceId = 1;

void WriteStack(pbf_writer& event, const std::vector<StackFrame>& stack) {
  pbf_writer callstack(event, 55);
  for (auto f = stack.rbegin(); f != stack.rend(); ++f) {  // outermost first
    if (f->runtime || f->function.empty()) continue;
    pbf_writer frame(callstack, 1);
    frame.add_string(1, Utf8(f->function));
    if (f->line == 0) continue;
    frame.add_string(2, Utf8(f->file));
    frame.add_uint32(3, f->line);
  }
}

void WriteEvent(pbf_writer& packet, const TraceEvent& e) {
  pbf_writer event(packet, kTrackEvent);
  event.add_enum(9, static_cast<std::int32_t>(e.type));
  event.add_uint64(11, e.track);
  if (!e.category.empty()) event.add_string(22, Utf8(e.category));
  if (!e.name.empty()) event.add_string(23, Utf8(e.name));
  for (const auto& [key, value] : e.notes) {
    pbf_writer note(event, 4);
    note.add_string(10, Utf8(key));
    note.add_string(6, Utf8(value));
  }
  if (e.flow != 0) event.add_fixed64(47, e.flow);
  if (e.flow_end != 0) event.add_fixed64(48, e.flow_end);
  if (e.finding != 0) event.add_uint64(52, e.finding);
  if (!e.stack.empty()) WriteStack(event, e.stack);
}

}  // namespace

void PerfettoTrace::AddProcess(std::uint64_t track, std::uint32_t pid, const std::string& name) {
  pbf_writer trace(out_);
  pbf_writer packet(trace, kPacket);
  packet.add_uint32(kSequence, kSequenceId);
  packet.add_uint32(kSequenceFlags, 1);  // nothing before this belongs to it
  pbf_writer descriptor(packet, kDescriptor);
  descriptor.add_uint64(1, track);
  pbf_writer process(descriptor, 3);
  process.add_int32(1, static_cast<std::int32_t>(pid));
  process.add_string(6, Utf8(name));
}

void PerfettoTrace::AddTrack(std::uint64_t track, std::uint64_t parent, const std::string& name,
                             const std::string& description) {
  pbf_writer trace(out_);
  pbf_writer packet(trace, kPacket);
  packet.add_uint32(kSequence, kSequenceId);
  pbf_writer descriptor(packet, kDescriptor);
  descriptor.add_uint64(1, track);
  descriptor.add_string(2, Utf8(name));
  if (parent != 0) descriptor.add_uint64(5, parent);
  if (!description.empty()) descriptor.add_string(14, Utf8(description));
  descriptor.add_enum(15, 2);  // else the viewer makes one track of all with the same name
}

std::string PerfettoTrace::Finish() {
  std::stable_sort(events_.begin(), events_.end(),
                   [](const TraceEvent& a, const TraceEvent& b) { return a.time_ns < b.time_ns; });
  pbf_writer trace(out_);
  for (const TraceEvent& e : events_) {
    pbf_writer packet(trace, kPacket);
    packet.add_uint64(kTimestamp, static_cast<std::uint64_t>(std::max<std::int64_t>(e.time_ns, 0)));
    packet.add_uint32(kSequence, kSequenceId);
    WriteEvent(packet, e);
  }
  return std::move(out_);
}

}  // namespace stranded::detector
