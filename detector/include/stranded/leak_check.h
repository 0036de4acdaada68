// Leak checks inside a program.
//
// Overview: FindLeaks looks at the whole process, LeakScope only at what its own task and that
// task's descendants spawned while it was open, so that tests which run side by side are told
// apart. A check does not poll: it waits until nothing moves, or the grace is over, and then looks
// once. Thread safety: any task or thread; a LeakScope belongs to the task that made it. Cost: a
// scope with nothing left alive is told by one load.
#ifndef STRANDED_DETECTOR_LEAK_CHECK_H_
#define STRANDED_DETECTOR_LEAK_CHECK_H_

#include <cstdint>
#include <functional>
#include <source_location>
#include <string>
#include <string_view>
#include <vector>

#include "absl/time/time.h"
#include "stranded/analysis.h"
#include "stranded/dump.h"
#include "stranded/finding.h"

namespace stranded {

namespace internal {
struct ScopeNode;
}

struct LeakCheckOptions {
  // How long tasks that sleep, hold timers or sit in the kernel may take to end; real time in a
  // pool.
  absl::Duration grace = absl::Seconds(1);
  // The same in a controlled world, where it costs nothing.
  absl::Duration virtual_grace = absl::Seconds(60);
  // Tasks whose wait or spawn site has this in file:line or function. MisuseError if it is empty.
  std::vector<std::string> ignore;
  std::vector<std::string> rules;  // only these; empty: all. MisuseError if there is no such one
  std::string label;               // printed with the report
  // The caller looks in between, as a supervisor does, and may still end any wait. Then only what
  // it cannot end is found: nil channels, locks of tasks that have finished, ended contexts. A
  // LeakScope that is checked so goes on, too: nothing in it is late.
  bool caller_goes_on = false;
  // Paths are relative to it. ".": STRANDED_OPTIONS=source_root, else the current folder, or if all
  // sources are elsewhere, their project.
  std::string source_root = ".";
};

class LeakReport {
 public:
  LeakReport() = default;
  explicit LeakReport(Analysis analysis) : analysis_(std::move(analysis)) {}
  const std::vector<Finding>& findings() const& { return analysis_.findings; }
  // Of a temporary: for (const Finding& f : FindLeaks().findings()).
  std::vector<Finding> findings() && { return std::move(analysis_.findings); }
  bool clean() const { return analysis_.findings.empty(); }
  std::string ToText() const;
  const Analysis& analysis() const { return analysis_; }
  // Takes over findings of an earlier look that this one does not have.
  void Add(const LeakReport& earlier);

 private:
  Analysis analysis_;
};

// The whole process, now. Blocks for the grace at most. The caller counts as having left: what only
// it could still end is a finding, unless the options say that it goes on.
LeakReport FindLeaks(const LeakCheckOptions& options = {});

// The calling task's world as it is, without waiting: for a reporter of dead ends.
LeakReport ExamineDeadEnd(const LeakCheckOptions& options = {});

class LeakScope {
 public:
  explicit LeakScope(std::string_view name = "scope",
                     std::source_location loc = std::source_location::current());
  ~LeakScope();
  LeakScope(const LeakScope&) = delete;
  LeakScope& operator=(const LeakScope&) = delete;

  // True: Check() would find nothing, and need not look. What was spawned in the scope is gone, and
  // no timer is ahead that may start more. False tells nothing. Does not block.
  bool NothingLeft() const;
  // What was spawned in the scope should be gone by now; blocks for the grace at most.
  LeakReport Check(const LeakCheckOptions& options = {});
  // Of that, only contexts whose cancel function is lost, and without waiting: a timeout may end
  // them meanwhile, as it hides the mistake in the program. Part of Check().
  LeakReport CheckLostCancels(const LeakCheckOptions& options = {});
  // For a dump of the whole process, in which a report is to find what Check() does.
  DumpOptions DumpOf(std::string reason) const;
  // What is left is as it should be: later looks at the whole process, in dumps too, count it as
  // expected and not as findings.
  void ExpectWhatIsLeft();

 private:
  LeakReport ExamineScope(const LeakCheckOptions& options, bool pools);

  internal::ScopeNode* scope_;
  std::int64_t begun_ns_;
  std::uint64_t first_task_;
};

// Runs `body` and checks what it leaves behind: the main() of a program in one line. Under
// STRANDED_OPTIONS=schedule=controlled it runs in a controlled world (seed=N; runs=N repeats it
// with N seeds and stops at the first finding). Prints the report to stderr, writes the dump if one
// is asked for, and returns 0, or the option exitcode (86) when there are findings. As a LeakScope
// it looks at tasks, not at threads of the program that use channels: CheckAtExit() does.
int CheckedMain(const std::function<void()>& body);

// At the end of this program, behind its destructors of globals and its atexit() functions, checks
// the whole process as FindLeaks() does; with findings it prints
// the report to stderr, and the program that would have ended with 0 ends with the option exitcode.
void CheckAtExit();

}  // namespace stranded

#endif  // STRANDED_DETECTOR_LEAK_CHECK_H_
