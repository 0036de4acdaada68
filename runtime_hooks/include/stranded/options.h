// STRANDED_OPTIONS=key=value:key=value, as the sanitizers do.
#ifndef STRANDED_RUNTIME_HOOKS_OPTIONS_H_
#define STRANDED_RUNTIME_HOOKS_OPTIONS_H_

#include <cstdint>
#include <string>
#include <vector>

namespace stranded {

struct Options {
  std::string dump;              // write a dump here at exit
  std::string record = "state";  // off, state, trace
  // record=trace: where rings and states are kept so that they survive SIGKILL; %p is the process
  // id. Empty: a file in the temporary directory that is removed at the regular end. none: memory.
  std::string trace_file;
  int ring = 8192;         // record=trace: the newest records that each thread keeps
  std::string schedule;    // controlled or threads; empty: tests controlled, programs threads
  std::uint64_t seed = 1;  // of the controlled scheduler
  int runs = 1;            // CheckedMain in a controlled world: this many seeds
  // How long the dump at exit waits for tasks that still move. A quarter second more than
  // --min-age: what begins to wait as main returns is old enough to be judged then.
  int grace_ms = 1250;
  // After so long a controlled world whose only thread waits elsewhere says so; 0: never.
  int stall_s = 10;
  // Controlled worlds: so long other threads may take to wake a task, before it is a dead end.
  int outside_ms = 1000;
  std::string on_quit = "report";  // SIGQUIT: report, or only the dump
  int run_child = 0;           // the process that leaves the report on its dump to `stranded run`
  std::string source_root;     // paths in reports are relative to it; empty: found out
  int workers = 0;             // 0: one per core
  int exitcode = 86;           // of a linked program with findings
  std::string patch;           // virtual patches, KIND@FILE#LINE,...; see docs/explore.md
  std::string explore;         // tests and CheckedMain: explore many schedules, write results here
  int schedules = 1000;        // explore: how many
  std::string policy = "pct";  // explore: random, pct, round-robin, exhaustive, replay
  std::string replay;          // a schedule to run once, as an exploration printed it
  int depth = 3;               // explore, pct
  int preemptions = 2;         // explore, exhaustive
  int delay_us = 5000;         // explore: how far time may move while tasks are ready
  int time_s = 0;              // explore: seconds for each body; 0: no limit
  bool first = false;          // explore: stop at the first leak
  std::vector<std::string> problems;  // keys or values that were not understood
};

// Parsed once from the environment; SetOptionsForTesting replaces it.
const Options& GetOptions();
Options ParseOptions(const std::string& text);
std::vector<std::string> OptionItems(const std::string& text);  // KEY=VALUE each
// As the text of options takes it: a colon in it is written \:.
std::string OptionValue(const std::string& value);
void SetOptionsForTesting(const Options& options);

}  // namespace stranded

#endif  // STRANDED_RUNTIME_HOOKS_OPTIONS_H_
