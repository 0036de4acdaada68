// Goroutines of one or more dumps, as a compact model.
//
// Overview: frames and stacks are interned once, goroutines with the same stack, state and creator
// form a group. So memory follows the distinct stacks, and 32 bytes for each goroutine with an id.
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

namespace stranded::detector {

// Strings by number; 0 is the empty one.
class GoStrings {
 public:
  GoStrings() { Intern(""); }
  std::uint32_t Intern(std::string_view text) {
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

struct GoGroup {
  std::vector<std::uint32_t> frames;  // innermost first; into GoDumps::frames
  std::uint32_t state = 0;            // string, without durations and marks; "" if not told
  std::uint32_t creator = 0;          // frame of "created by"; 0: none
  std::uint32_t labels = 0;           // string
  std::uint64_t count = 0;
  std::uint64_t first_id = 0;  // of the first goroutine; 0 if there are no ids
  std::uint32_t least_minutes = 0, most_minutes = 0;
  std::uint32_t hidden_frames = 0;  // frames of the runtime that debug=1 leaves out
  std::uint32_t elided = 0;         // frames left out by the runtime
  bool leaked = false, locked_to_thread = false;
  std::uint32_t bubble = 0;  // synctest
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
  std::vector<Goroutine> goroutines;
  std::vector<GoLockWaiter> lock_waiters;  // at most 10,000
  std::uint64_t count = 0;                 // goroutines
  std::uint64_t announced = 0;             // by the header of debug=1
  bool has_creators = false, has_states = false;
  bool leak_profile = false;     // goroutineleak: everything in it is leaked
  bool deadlock = false;         // "all goroutines are asleep"
  bool timed_out = false;        // a test's time was over
  bool crashed = false;          // panic or fatal error
  bool bubble_deadlock = false;  // of synctest
  bool cut = false;              // ends inside a goroutine
  std::uint32_t source = 0;      // string: the file
};

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
