// The dumps that a gate judges, taken together.
#ifndef STRANDED_CLI_COMMANDS_GATE_DUMPS_H_
#define STRANDED_CLI_COMMANDS_GATE_DUMPS_H_

#include "cli/commands/command.h"
#include "stranded/analysis.h"

namespace stranded::cli {

struct GateDumps {
  Analysis merged;             // findings of all, each once
  std::size_t readable = 0;    // files; of the others stderr has said why not
  bool partly_unread = false;  // a file, or part of one: losses tell
};
GateDumps LoadForGate(const InputOptions& input);

}  // namespace stranded::cli

#endif  // STRANDED_CLI_COMMANDS_GATE_DUMPS_H_
