// Options with a list of accepted values. Checks, help, man page and completions share the list.
#ifndef STRANDED_CLI_MANUAL_CHOICES_H_
#define STRANDED_CLI_MANUAL_CHOICES_H_

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

namespace stranded::cli {

// Accepts only these. `value` stands for them in the help: --color WHEN.
CLI::Option* OneOf(CLI::Option* option, const std::string& value, std::vector<std::string> choices);
// Offers these; what is accepted is checked elsewhere.
CLI::Option* Offer(CLI::Option* option, const std::string& value, std::vector<std::string> choices);
// What OneOf or Offer was given; empty for other options.
std::vector<std::string> ChoicesOf(CLI::Option& option);

}  // namespace stranded::cli

#endif  // STRANDED_CLI_MANUAL_CHOICES_H_
