// Dumps for tests, from C++ literals.
//
// Overview: objects are the model's own structs; what a test does not name keeps its default. Ids
// are the test's choice. `Bytes()` gives the file. World 1 is there from the start; it is quiet
// unless the test says otherwise.
#ifndef STRANDED_TESTS_DETECTOR_DUMP_BUILDER_H_
#define STRANDED_TESTS_DETECTOR_DUMP_BUILDER_H_

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "detector/model/snapshot.h"
#include "stranded/analysis.h"

namespace stranded::detector {

inline constexpr std::int64_t kSecond = 1'000'000'000;
inline constexpr std::int64_t kNow = 1000 * kSecond;  // when the snapshot is taken

// A task with its wait.
struct TaskSpec {
  Task task;
  std::vector<WaitCase> cases;
  std::vector<HeldLock> held;
  std::vector<std::uint64_t> frames;
};

class DumpBuilder {
 public:
  // Begins the file: header and one snapshot.
  explicit DumpBuilder(std::uint32_t version_major = 1);
  // Nothing at all: for tests of broken files.
  static DumpBuilder Bare() { return DumpBuilder(Nothing{}); }

  // The id of a site. Each call writes a packet of its own, even for the same place.
  SiteId At(std::string_view file, std::uint32_t line, std::string_view function = "Work()");

  DumpBuilder& Header(std::uint32_t version_major);
  DumpBuilder& Begin(std::string_view reason = "check");
  DumpBuilder& Add(const TaskSpec& task);
  DumpBuilder& Add(const Context& context);
  DumpBuilder& Add(const Channel& channel);
  DumpBuilder& Add(const Sync& sync);
  DumpBuilder& Add(const SpawnNode& spawn);
  DumpBuilder& Add(const Scope& scope);
  DumpBuilder& Add(const World& world);  // a later one with the same id replaces the first
  DumpBuilder& Add(const Timer& timer);
  DumpBuilder& Add(const Loss& loss);
  // One batch, of the ring of its first event.
  DumpBuilder& Add(const std::vector<Event>& events);
  DumpBuilder& End();
  // A packet with any body, checksum right.
  DumpBuilder& Raw(const std::string& body);

  const std::string& bytes() const { return bytes_; }

 private:
  struct Nothing {};
  explicit DumpBuilder(Nothing) {}

  std::string bytes_;
  SiteId next_site_ = 1;
};

// A blocked task of world 1, since ten seconds ago, on one channel operation.
TaskSpec Sender(Id id, Id channel, SiteId at);
TaskSpec Receiver(Id id, Id channel, SiteId at);
// The same, in a wait for a lock or the like.
TaskSpec Waiter(Id id, WaitKind kind, Id sync, SiteId at);
TaskSpec InSelect(Id id, SiteId at, std::vector<WaitCase> cases);
TaskSpec InState(Id id, TaskState state);
// A context that was cancelled five seconds ago by task 1.
Context Ended(Id id, SiteId at);
// Who was last on one side of a channel, or did the last operation on a lock or the like.
Peer LastOn(Id task, SiteId at, PeerOutcome outcome);
SyncPeer LastBy(Id task, SiteId at);
SpawnNode Spawned(Id id, Id task, Id parent, SiteId at = 0);
World Quiet();
World Busy();  // real time, something runs

// Reads the bytes and analyses them. Fails the test if they cannot be read.
Analysis Examine(const DumpBuilder& dump, const AnalysisOptions& options = {});
// The rules of all findings, sorted, joined by commas.
std::string Rules(const Analysis& analysis);
// The one finding of that rule; fails the test if there is none.
Finding Only(const Analysis& analysis, std::string_view rule);
bool HasFix(const Finding& finding, FixKind kind);
// All sentences of a finding, one a line.
std::string AllText(const Finding& finding);

}  // namespace stranded::detector

#endif  // STRANDED_TESTS_DETECTOR_DUMP_BUILDER_H_
