// What a rule reports about a group of tasks with the same cause.
//
// Overview: plain data, complete in itself: a finding outlives the dump it was made from. Report
// writers and tests read it; sentences are ready to print.
// Thread safety: immutable once made.
#ifndef STRANDED_DETECTOR_FINDING_H_
#define STRANDED_DETECTOR_FINDING_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace stranded {

struct SourceSite {
  std::string file, function;
  std::uint32_t line = 0, column = 0;
  bool known() const { return line != 0; }
  // Made by code of the C++ library, such as make_shared: no place to look at, or to edit.
  bool in_library() const { return file.find("include/c++/") != std::string::npos; }
  // The class in whose constructor it lies, or "". Members with an initialiser in the class have
  // the line where the class begins (GCC) as their place.
  std::string_view ConstructorOf() const;
  std::string ToString() const;  // file:line, or "an unknown place"
};

enum class FixKind {
  kRaiseCapacity,
  kAddContextCase,
  kCloseChannel,
  kCallCancel,
  kAddDone,
  kUnlock,
  kReleaseBeforeWait,
  kLockOrder,
  kMakeChannel,
  kAddCase,
  kSignal,
  kStopTask,
};
std::string_view FixKindName(FixKind kind);

struct Fix {
  FixKind kind = FixKind::kAddContextCase;
  std::string summary;                // one sentence: what to do
  std::string reason;                 // why that helps, from recorded facts
  SourceSite site;                    // the line to change
  std::int64_t capacity = 0;          // kRaiseCapacity
  std::string diff;                   // unified, for `patch -p1`; empty if the edit is not certain
  std::vector<std::string> warnings;  // what to check before taking it
  std::string verification = "not verified";
  std::string patch;  // the same as a virtual patch (docs/explore.md); empty: cannot be tried
};

// One node of a context chain, from the task's own upwards.
struct ContextStep {
  std::uint64_t id = 0;
  std::string kind;  // WithTimeout, WithCancel, WithValue, Background, ...
  SourceSite site;
  std::string created_by;  // task
  std::int64_t deadline_ns = 0;
  bool ended = false;
  bool origin = false;     // the end began here
  std::string err, cause;  // "deadline exceeded", text of the cause if it says more
  std::int64_t ended_ns = 0;
  std::int64_t ended_ago_ns = 0;
  std::string ended_by;  // task, or "its timer"
  SourceSite ended_site;
  std::string key_type, value;  // printable values only
};

// One link of a spawn ancestry, from the task itself upwards.
struct SpawnStep {
  std::uint64_t task = 0;
  std::string name;  // task 7 "fetch"
  SourceSite site;
  std::uint32_t elided = 0;  // generations left out above
};

struct StackFrame {
  std::uint64_t pc = 0;
  std::string function, file;
  std::uint32_t line = 0;
  std::string module;
  bool runtime = false;  // a frame of Stranded itself
  bool library = false;  // of the C++ library
};

struct ChannelFacts {
  std::uint64_t id = 0;
  SourceSite site;
  std::string created_by;  // task, with where it was spawned
  std::string elem_type;
  std::uint64_t capacity = 0, length = 0, high_water = 0;
  std::uint64_t sends_started = 0, sends_completed = 0, recvs_started = 0, recvs_completed = 0;
  std::uint32_t waiting_senders = 0, waiting_receivers = 0;
  bool closed = false;
  std::size_t instances = 1;  // channels made at this site that are part of the finding
};

// Everything a finding knows, in the order a report prints it.
struct FindingData {
  std::string rule, verdict, title, fingerprint;
  std::size_t task_count = 0;
  std::vector<std::uint64_t> tasks;  // exemplar first; at most 100
  std::string task_name;             // of the exemplar
  std::string wait;                  // "send", "receive", "select", "lock", ...
  SourceSite wait_site, spawn_site, context_site, sync_site;
  std::int64_t min_age_ns = 0, max_age_ns = 0;
  bool has_channel = false;
  ChannelFacts channel;
  std::vector<ContextStep> contexts;
  std::vector<SpawnStep> ancestry;
  std::vector<std::string> peer;   // sentences: who should have woken it, and what became of it
  std::vector<std::string> graph;  // the cycle or chain of waits, one edge a line
  std::vector<std::string> notes;  // what else to know
  std::vector<StackFrame> stack;
  std::string stack_note;
  std::vector<Fix> fixes;
  std::vector<Fix> candidates;  // what `stranded fix` tries, likeliest and smallest first
};

class Finding {
 public:
  explicit Finding(FindingData data) : data_(std::move(data)) {}
  std::string_view rule() const { return data_.rule; }
  std::string_view verdict() const { return data_.verdict; }
  std::string_view title() const { return data_.title; }
  std::string_view fingerprint() const { return data_.fingerprint; }
  std::size_t task_count() const { return data_.task_count; }
  const SourceSite& wait_site() const { return data_.wait_site; }
  const SourceSite& spawn_site() const { return data_.spawn_site; }
  const SourceSite& channel_site() const { return data_.channel.site; }
  const SourceSite& context_site() const { return data_.context_site; }
  const std::vector<Fix>& fixes() const { return data_.fixes; }
  const FindingData& data() const { return data_; }
  void set_fingerprint(std::string fingerprint) { data_.fingerprint = std::move(fingerprint); }

 private:
  FindingData data_;
};

}  // namespace stranded

#endif  // STRANDED_DETECTOR_FINDING_H_
