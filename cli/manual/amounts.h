// Options that take a number or a text: what is wrong is said in words.
#ifndef STRANDED_CLI_MANUAL_AMOUNTS_H_
#define STRANDED_CLI_MANUAL_AMOUNTS_H_

#include <CLI/CLI.hpp>
#include <cstdint>
#include <limits>

namespace stranded::cli {

// Seconds, of which there may be none, or a duration: 2, 0.5, 500ms, 1m30s.
CLI::Option* Seconds(CLI::Option* option);
// The same, but not 0.
CLI::Option* SomeSeconds(CLI::Option* option);
// Milliseconds, or a duration.
CLI::Option* Milliseconds(CLI::Option* option);
// A whole number of any size: a seed.
CLI::Option* AnyNumber(CLI::Option* option);
// A text: an empty one is a variable that was not set.
CLI::Option* NotEmpty(CLI::Option* option, const char* value);
// A whole number. `value` stands for it in the help: --depth N.
CLI::Option* AtLeast(CLI::Option* option, const char* value, std::int64_t least,
                     std::int64_t most = std::numeric_limits<int>::max());

}  // namespace stranded::cli

#endif  // STRANDED_CLI_MANUAL_AMOUNTS_H_
