// The command line as data: man page and completions are written from what the parser knows.
#ifndef STRANDED_CLI_MANUAL_OUTLINE_H_
#define STRANDED_CLI_MANUAL_OUTLINE_H_

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

namespace stranded::cli {

struct OptionOutline {
  std::vector<std::string> names;  // "--output", "-o"
  std::string value;               // "FILE", "WHEN"; empty for a flag
  std::vector<std::string> choices;
  std::string text, group;
  bool repeatable = false;
};

struct ArgumentOutline {
  std::string name, text;
  std::vector<std::string> choices;
  bool required = false, many = false;
};

struct CommandOutline {
  std::string name, text, footer;
  std::vector<OptionOutline> options;
  std::vector<ArgumentOutline> arguments;
};

struct Outline {
  CommandOutline program;
  std::vector<CommandOutline> commands;
  std::vector<std::string> CommandNames() const;
};

Outline OutlineOf(CLI::App& app);

// What a value completes to: FILE, DIR or CMD by its name, else nothing or its choices.
enum class ValueKind { kNone, kFile, kDirectory, kProgram };
ValueKind KindOf(const std::string& value);

// The value of an option as it is shown: empty for flags.
std::string ValueName(const CLI::Option& option);

}  // namespace stranded::cli

#endif  // STRANDED_CLI_MANUAL_OUTLINE_H_
