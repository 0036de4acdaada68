// From a dump to findings.
//
// Overview: Analyze looks at the last snapshot of a dump. A task that may still go on is not
// reported as stuck; where only time can tell, the analysis says "look again" and the caller
// decides. Thread safety: pure functions of their arguments. Cost: linear, or n log n, in the
// number of tasks.
#ifndef STRANDED_DETECTOR_ANALYSIS_H_
#define STRANDED_DETECTOR_ANALYSIS_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "stranded/finding.h"

namespace stranded {

namespace detector {
struct Dump;
}

struct AnalysisOptions {
  // In a program that still runs, a task counts as stuck only after this long. In a world where
  // nothing can run any more, at once.
  absl::Duration min_age = absl::Seconds(1);
  std::uint64_t scope = 0;             // only tasks spawned in this scope or below it; 0: all
  std::uint64_t world = 0;             // only tasks of this world; 0: all
  std::int64_t contexts_since_ns = 0;  // lost-cancel: only contexts made since then
  std::uint64_t tasks_since = 0;       // events: only from the spawn of this task on
  bool caller_goes_on = false;         // the task that looks will still act: see LeakCheckOptions
  std::vector<std::string> rules;      // only these; empty: all
  std::vector<std::string>
      ignore;  // tasks whose wait or spawn site has this in file:line or function
  std::size_t growth_threshold = 1000;  // blocked tasks at one place that count as a pile
  std::string source_root = ".";        // where relative source paths are looked up, for diffs
  bool symbolize = true;
  std::size_t most_tasks_listed = 100;  // ids in each finding
  bool count_hidden = false;            // tell what `rules` and `ignore` leave out
};

struct AnalysisSummary {
  std::size_t tasks = 0, blocked = 0, contexts = 0, channels = 0;
  std::size_t stranded = 0;  // tasks in findings
  std::size_t hidden = 0;    // findings that the filters left out, if they were counted
  std::size_t expected = 0;  // tasks that would be in findings, but a test expects them
  bool quiet = false;        // nothing in it could run by itself
  bool deadlock = false;
  std::string reason, label, program, world;
  std::string source_root;          // of a program that reports itself, if not the current folder
  std::string typed_as;             // the dump, in a command; empty: its name
  std::string go_form;              // debug=2, debug=1 or pprof; empty: no Go dump
  std::string died_of;              // the signal because of which the dump was written; or empty
  bool partly_lost = false;         // damaged or cut: findings may be missing
  std::vector<std::string> losses;  // what is missing, one sentence each
  std::uint64_t unlisted = 0;  // goroutines that are counted, but not in the dump: there are many
};

struct Analysis {
  std::vector<Finding> findings;  // worst first
  AnalysisSummary summary;
  std::size_t look_again = 0;  // tasks that may be stuck, or may just be slow
  std::shared_ptr<const detector::Dump> dump;
};

// Throws MisuseError for a dump that was read with ReadOptions::merge of other options.
Analysis Analyze(std::shared_ptr<const detector::Dump> dump, const AnalysisOptions& options = {});

// How many tasks these findings call stranded, as `AnalysisSummary::stranded` counts them.
std::size_t StrandedIn(const std::vector<Finding>& findings);

// The catalogue of rules.
struct RuleText {
  const char* id;
  const char* finds;    // one line
  const char* explain;  // paragraphs for `stranded explain`
};
const std::vector<RuleText>& RuleCatalogue();

}  // namespace stranded

#endif  // STRANDED_DETECTOR_ANALYSIS_H_
