// Completion scripts, written from what the parser knows.
//
// Thread safety: pure functions.
#ifndef STRANDED_CLI_MANUAL_COMPLETIONS_H_
#define STRANDED_CLI_MANUAL_COMPLETIONS_H_

#include <string>

#include "cli/manual/outline.h"

namespace stranded::cli {

std::string BashCompletion(const Outline& outline);
std::string ZshCompletion(const Outline& outline);
std::string FishCompletion(const Outline& outline);

}  // namespace stranded::cli

#endif  // STRANDED_CLI_MANUAL_COMPLETIONS_H_
