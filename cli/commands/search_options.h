// Options of the commands that search schedules.
#ifndef STRANDED_CLI_COMMANDS_SEARCH_OPTIONS_H_
#define STRANDED_CLI_COMMANDS_SEARCH_OPTIONS_H_

#include <CLI/CLI.hpp>
#include <cstdint>
#include <string>
#include <vector>

namespace stranded::cli {

struct SearchOptions {
  std::vector<std::string> command;
  int schedules = 1000;
  std::string policy = "pct", replay, patch;
  std::uint64_t seed = 1;
  int depth = 3, preemptions = 2;
  double delay_ms = 5;
  double seconds = 0;
  bool first = false;
};

void AddSearchOptions(CLI::App& app, SearchOptions& options);
// As STRANDED_OPTIONS takes them.
std::string SearchText(const SearchOptions& options);

}  // namespace stranded::cli

#endif  // STRANDED_CLI_COMMANDS_SEARCH_OPTIONS_H_
