// Writes a Perfetto trace: tracks, and events on them, in the order of time.
//
// Overview: field numbers are those of the public protos (TrackEvent is declared stable). Events
// are collected and written by Finish(). Thread safety: one writer, one thread.
#ifndef STRANDED_DETECTOR_REPORT_PERFETTO_TRACE_H_
#define STRANDED_DETECTOR_REPORT_PERFETTO_TRACE_H_

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "stranded/finding.h"

namespace stranded::detector {

enum class TraceType { kBegin = 1, kEnd = 2, kInstant = 3 };  // TrackEvent.Type

struct TraceEvent {
  std::int64_t time_ns = 0;
  std::uint64_t track = 0;
  TraceType type = TraceType::kInstant;
  std::string category, name;
  std::uint64_t flow = 0, flow_end = 0;  // an arrow from the one to the other of equal number
  std::uint64_t finding = 0;             // correlation: groups and colours
  std::vector<std::pair<std::string, std::string>> notes;
  std::vector<StackFrame> stack;  // innermost first
};

class PerfettoTrace {
 public:
  void AddProcess(std::uint64_t track, std::uint32_t pid, const std::string& name);
  // A plain track; `parent` 0: at the top. Declare parents first.
  void AddTrack(std::uint64_t track, std::uint64_t parent, const std::string& name,
                const std::string& description);
  void Add(TraceEvent event) { events_.push_back(std::move(event)); }
  std::string Finish();

 private:
  std::string out_;
  std::vector<TraceEvent> events_;
};

}  // namespace stranded::detector

#endif  // STRANDED_DETECTOR_REPORT_PERFETTO_TRACE_H_
