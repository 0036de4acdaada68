// Goroutines of one or more dumps, as a compact model.
//
// Overview: frames and stacks are interned once, goroutines with the same stack, state and creator
// form a group. Memory follows the distinct stacks: of a goroutine's own there is a bit for its id,
// and a record of the first 20,000 and of the first eight of each group.
// Thread safety: plain data. Ownership: GoDumps owns all strings; views point into it.
#ifndef STRANDED_DETECTOR_INPUT_GO_MODEL_H_
#define STRANDED_DETECTOR_INPUT_GO_MODEL_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "detector/input/go_ids.h"
#include "detector/input/plain_names.h"

namespace stranded::detector {

// Strings by number; 0 is the empty one.
class GoStrings {
 public:
  GoStrings() { Intern(""); }
  std::uint32_t Intern(std::string_view text) {
    if (!IsPlain(text)) return Intern(PlainText(text));
    const absl::string_view key(text.data(), text.size());
    if (const auto it = index_.find(key); it != index_.end()) return it->second;
    const std::string& kept = kept_.emplace_back(text);
    const auto number = static_cast<std::uint32_t>(kept_.size() - 1);
    index_.emplace(absl::string_view(kept.data(), kept.size()), number);
    return number;
  }
  std::string_view operator[](std::uint32_t number) const { return kept_[number]; }
  std::size_t size() const { return kept_.size(); }

 private:
  std::deque<std::string> kept_;
  absl::flat_hash_map<absl::string_view, std::uint32_t> index_;
};

struct GoFrame {
  std::uint32_t function = 0, file = 0, line = 0;  // the first two: strings
};

// [originating from goroutine 5]: and where that was created.
struct GoAncestor {
  std::uint64_t id = 0;
  std::uint32_t creator = 0;  // frame
};

struct GoGroup {
  std::vector<std::uint32_t> frames;  // innermost first; into GoDumps::frames
  std::uint32_t state = 0;            // string, without durations and marks; "" if not told
  std::uint32_t creator = 0;          // frame of "created by"; 0: none
  std::uint32_t labels = 0;           // string; of the first that has some
  bool other_labels = false;          // not all have the same
  std::uint64_t count = 0;
  std::uint64_t first_id = 0;  // of the first goroutine; 0 if there are no ids
  std::uint32_t least_minutes = 0, most_minutes = 0;
  std::uint32_t hidden_frames = 0;  // frames of the runtime that debug=1 leaves out
  std::uint32_t elided = 0;         // frames left out by the runtime
  bool leaked = false, locked_to_thread = false;
  std::uint32_t bubble = 0;  // synctest
  // Who started them, where that is told; without direct repetitions, at most 10,000.
  std::vector<std::uint64_t> creator_ids;
  std::vector<GoAncestor> ancestors;  // of the first one, nearest first
};

struct Goroutine {
  std::uint64_t id = 0, creator = 0;  // creator: 0 if not told
  std::uint32_t group = 0, minutes = 0;
};

// Pointers of a goroutine that waits for a lock: the lock, and what else its frames mention.
struct GoLockWaiter {
  std::uint64_t goroutine = 0, lock = 0;
  std::uint32_t group = 0;
  std::vector<std::uint64_t> mentioned;
};

// What one write of a profile or one crash says.
struct GoDump {
  std::vector<GoGroup> groups;
  std::vector<Goroutine> goroutines;       // some of them, see above
  GoIds ids;                               // of all
  std::vector<GoLockWaiter> lock_waiters;  // at most 10,000
  std::uint64_t count = 0;                 // goroutines
  std::uint64_t announced = 0;             // by the header of debug=1
  const char* form = "debug=2";            // or debug=1, pprof: each names places in its own way
  bool has_creators = false, has_states = false;
  bool leak_profile = false;      // goroutineleak: everything in it is leaked
  bool deadlock = false;          // "all goroutines are asleep"
  bool timed_out = false;         // a test's time was over
  const char* died_of = nullptr;  // a panic, a fatal error or a signal that ends the program
  bool bubble_deadlock = false;   // of synctest
  bool cut = false;               // ends inside a goroutine
  std::uint32_t source = 0;       // string: the file

  // One more with an id, of a group.
  void Add(const Goroutine& g);
  // Labels of one more.
  static void AddLabels(GoGroup& group, std::uint32_t labels) {
    if (group.labels == 0) group.labels = labels;
    group.other_labels |= group.labels != labels;
  }
};

inline void GoDump::Add(const Goroutine& g) {
  constexpr std::size_t kMostRecords = 20'000, kMostCreators = 10'000;
  constexpr std::uint64_t kOfEach = 8;
  GoGroup& group = groups[g.group];
  if (group.count++ == 0) {
    group.first_id = g.id;
    group.least_minutes = group.most_minutes = g.minutes;
  }
  ++count;
  if (g.minutes < group.least_minutes) group.least_minutes = g.minutes;
  if (g.minutes > group.most_minutes) group.most_minutes = g.minutes;
  if (g.creator != 0 && group.creator_ids.size() < kMostCreators &&
      (group.creator_ids.empty() || group.creator_ids.back() != g.creator)) {
    group.creator_ids.push_back(g.creator);
  }
  if (goroutines.size() < kMostRecords || group.count <= kOfEach) goroutines.push_back(g);
}

struct GoDumps {
  GoStrings strings;
  std::vector<GoFrame> frames{GoFrame{}};
  std::vector<GoDump> dumps;
  std::uint64_t unknown_lines = 0;            // inside of stacks
  std::vector<std::string> unknown_examples;  // at most 3
  std::uint64_t other_lines = 0;              // log text around

  std::string_view Function(std::uint32_t frame) const { return strings[frames[frame].function]; }
  std::string_view File(std::uint32_t frame) const { return strings[frames[frame].file]; }
};

}  // namespace stranded::detector

#endif  // STRANDED_DETECTOR_INPUT_GO_MODEL_H_
