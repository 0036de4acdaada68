// Options that take a number: what is wrong is said in words.
#ifndef STRANDED_CLI_MANUAL_AMOUNTS_H_
#define STRANDED_CLI_MANUAL_AMOUNTS_H_

#include <CLI/CLI.hpp>

namespace stranded::cli {

// Seconds, of which there may be none, or a duration: 2, 0.5, 500ms, 1m30s.
CLI::Option* Seconds(CLI::Option* option);
// The same, but not 0.
CLI::Option* SomeSeconds(CLI::Option* option);
// Milliseconds, or a duration.
CLI::Option* Milliseconds(CLI::Option* option);
// At least `least`. `value` stands for it in the help: --depth N.
CLI::Option* AtLeast(CLI::Option* option, const char* value, double least);

}  // namespace stranded::cli

#endif  // STRANDED_CLI_MANUAL_AMOUNTS_H_
