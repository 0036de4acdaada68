// Running the program under test.
#ifndef STRANDED_CLI_COMMANDS_CHILD_H_
#define STRANDED_CLI_COMMANDS_CHILD_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "stranded/explore.h"

namespace stranded::cli {

// What an exploring child is told; the rest of STRANDED_OPTIONS is kept.
struct ExploreRequest {
  std::vector<std::string> command;
  std::string tests;    // a GoogleTest filter; empty: whatever there is
  std::string options;  // key=value:key=value
  bool show_output = false;
};

struct ExploreReply {
  std::vector<ExploreResult> results;
  std::string command;         // for the shell
  std::string crashed_in;      // the body in which the program ended before its time, or hung
  int hung_s = 0;              // it ended itself: it had stood still for so many seconds
  std::string crash_schedule;  // that leads there; "" if it is not known
  bool is_test = false;        // that body is a GoogleTest test
  int crash_number = 0;        // the how-manyth it was
  int exit_code = 0;           // 128 + signal
};

// Runs the program once, exploring. An error says that it could not be run, or never explored.
absl::StatusOr<ExploreReply> RunExploring(const ExploreRequest& request);

// Says on stderr what ended the program, or where it hung, while it explored, and how to get there
// again.
void PrintCrash(const ExploreReply& reply);

}  // namespace stranded::cli

#endif  // STRANDED_CLI_COMMANDS_CHILD_H_
