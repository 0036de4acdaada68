// Running the program under test.
#ifndef STRANDED_CLI_COMMANDS_CHILD_H_
#define STRANDED_CLI_COMMANDS_CHILD_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "cli/commands/explored_file.h"
#include "stranded/explore.h"

namespace stranded::cli {

// What an exploring child is told; the rest of STRANDED_OPTIONS is kept.
struct ExploreRequest {
  std::vector<std::string> command;
  std::string tests;    // a GoogleTest filter; empty: whatever there is
  std::string options;  // key=value:key=value
  bool show_output = false;
  bool other_tests = true;  // where one test ends the program, the others are explored without it
};

struct ExploreReply {
  std::vector<ExploreResult> results;
  std::vector<ProgramEnd> ends;  // before its time; empty: none
  std::string command;           // for the shell
};

// Runs the program, exploring. An error says that it could not be run, or never explored.
absl::StatusOr<ExploreReply> RunExploring(const ExploreRequest& request);

// "ended by signal 11 (Segmentation fault)"
std::string HowItEnded(const ProgramEnd& end);

// Says on stderr what ended the program, or where it hung, while it explored, and how to get there
// again.
void PrintEnds(const ExploreReply& reply);

}  // namespace stranded::cli

#endif  // STRANDED_CLI_COMMANDS_CHILD_H_
