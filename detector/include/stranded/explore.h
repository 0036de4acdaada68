// Many schedules of one body: finds leaks that one run in a thousand shows.
//
// Overview: each schedule runs the body in a controlled world of its own, with virtual time. What a
// schedule leaves behind is its end; ends that strand the same tasks at the same places are one
// outcome. The first schedule with a leak is made smaller: fewest changes from the default schedule
// that still show it. What a schedule strands is unwound before the next one begins.
// Thread safety: one exploration at a time, on the thread that calls it; in another one Explore()
// throws MisuseError meanwhile. Cost: small bodies run thousands of times a second. Results do not
// depend on the machine, but for time limits.
#ifndef STRANDED_DETECTOR_EXPLORE_H_
#define STRANDED_DETECTOR_EXPLORE_H_

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "stranded/leak_check.h"

namespace stranded {

struct ExploreOptions {
  int schedules = 1000;
  // random: every decision uniform. pct: probabilistic concurrency testing. round-robin.
  // exhaustive: all schedules with few preemptions. replay: the one given in `schedule`.
  std::string policy = "pct";
  std::string schedule;
  std::string first_schedule;  // run before all others, if not empty
  std::uint64_t seed = 1;      // of the first schedule; the next ones count up
  int depth = 3;               // pct
  int preemptions = 2;         // exhaustive
  // How far time may move in one schedule while tasks are ready: how slow a machine may be.
  absl::Duration delay_budget = absl::Milliseconds(5);
  // What the schedules take, by the real clock.
  absl::Duration time_limit = absl::InfiniteDuration();
  bool stop_at_first = false;  // leak
  bool minimize = true;
  bool progress = false;  // a line on stderr for long searches
  std::string name = "body";
  bool is_test = false;  // `name` is that of a GoogleTest test
  std::string patch;     // virtual patches in force meanwhile
  LeakCheckOptions check;
};

// Schedules that ended alike.
struct ExploreOutcome {
  std::size_t count = 0;
  int first = 0;                        // the how-manyth schedule showed it first, from 1
  std::uint64_t seed = 0;               // of that
  std::string schedule;                 // replays that
  LeakReport report;                    // what is stranded; findings are `predicted` where the
                                        // first schedule tried does not show them
  std::vector<std::string> exceptions;  // that left tasks or the body
  std::string failure;                  // what else was wrong: a failed expectation
  bool deadlock = false;
  bool cut = false;           // it did not come to an end
  std::int64_t delay_ns = 0;  // time that passed while tasks were ready
  bool bad() const { return !report.clean() || !exceptions.empty() || !failure.empty(); }
};

// One line of an interleaving.
struct ExploreStep {
  std::string task, operation;
  SourceSite site;
  bool preempts = false;  // the task before it could have gone on
  std::string source;     // the line itself, where the file can be read
  int number = -1;        // of the task in the text of a schedule; -1: no task's step
};

// A virtual patch closed a channel, and the program then closed it itself: as an edit, one of the
// two would throw.
struct SecondCloseAt {
  std::string patch;
  SourceSite site;
};

struct ExploreResult {
  std::string name, policy, patch, coverage;
  bool is_test = false;         // `name` is that of a GoogleTest test
  std::string command = "CMD";  // the program and its arguments for the shell, where they are known
  int schedules = 0;
  std::uint64_t first_seed = 0;
  double seconds = 0;
  bool out_of_time = false;              // time_limit ended the search
  std::vector<ExploreOutcome> outcomes;  // in the order in which they showed
  // The bad outcome that is shown, as an index into outcomes: the first, or one that fails alike
  // and needs fewer changes. -1: none.
  int first_bad = -1;

  // Of that, after minimising.
  std::string schedule;  // replays it with the fewest changes found
  std::size_t changes = 0, preemptions = 0;
  int tried_to_minimize = 0;
  bool repeats = true;  // the first schedule, run again behind all others, ended as it had before
  std::vector<ExploreStep> steps;
  std::string report_text;                // of a result that came from another process
  std::vector<std::string> idle_patches;  // virtual patches that met nothing in all this
  std::vector<SecondCloseAt> second_closes;
  // Where paths and diffs begin, as the program found it out; empty: the folder it ran in.
  std::string source_root;
  absl::Status error;  // options that could not be used

  bool clean() const { return first_bad < 0; }
  const ExploreOutcome* bad() const {
    return first_bad < 0 ? nullptr : &outcomes[static_cast<std::size_t>(first_bad)];
  }
  // Schedules tried, ends seen, the report of the first bad one and how to replay it; with `steps`
  // its interleaving.
  std::string ToText(bool steps = false) const;
  // "--test Fetch.One -- ./my_test": what `stranded explore` is given to explore this again.
  std::string Target() const;
};

ExploreResult Explore(const ExploreOptions& options, const std::function<void()>& body);

// As STRANDED_OPTIONS says: schedules, policy, seed, depth, preemptions, delay_us, time_s, replay,
// patch, first.
ExploreOptions ExploreOptionsFromEnvironment();

}  // namespace stranded

#endif  // STRANDED_DETECTOR_EXPLORE_H_
