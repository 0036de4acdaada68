// What a program that explores leaves: see detector/explore/result_file.h.
#ifndef STRANDED_CLI_COMMANDS_EXPLORED_FILE_H_
#define STRANDED_CLI_COMMANDS_EXPLORED_FILE_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "stranded/explore.h"

namespace stranded::cli {

// It ended before its time, in one of its bodies.
struct ProgramEnd {
  std::string body;      // "": between two, or before the first
  bool is_test = false;  // that body is a GoogleTest test
  bool exited = false;   // the body called exit()
  int hung_s = 0;        // it ended itself: it had stood still for so many seconds
  int number = 0;        // the how-manyth schedule of that body; 0: not known
  std::string schedule;  // that leads there
  int exit_code = 0;     // 128 + signal
};

struct ExploredFile {
  std::vector<ExploreResult> results;
  ProgramEnd end;                       // as far as the program could say it
  std::vector<std::string> unfinished;  // bodies that have no result, in the order of their begin
  bool is_test = false;
  bool none = false;      // the filter leaves no test
  absl::Status no_tests;  // what to say of that
};

// Reads what `program` left. An error says that it could not be run, or that this is not
// understood.
absl::Status ReadExplored(const std::string& path, const std::string& program, ExploredFile* file);

// "exploring Fetch.TakesTheFirst": the test whose line is the last that stands in the file.
std::string NowExploring(const std::string& path);

}  // namespace stranded::cli

#endif  // STRANDED_CLI_COMMANDS_EXPLORED_FILE_H_
