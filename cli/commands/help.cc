// stranded help [CMD]: what a command does, its options, and examples.
#include "cli/manual/help.h"

#include <cstdio>

#include "cli/commands/command.h"
#include "cli/manual/choices.h"
#include "cli/manual/outline.h"

namespace stranded::cli {

void AddHelp(CLI::App& app, int& exit_code) {
  auto* cmd = app.add_subcommand("help", "Say what a command does, with its options and examples");
  auto wanted = std::make_shared<std::string>();
  // The commands are those of the finished command line: this one is added last.
  std::vector<std::string> names = OutlineOf(app).CommandNames();
  OneOf(cmd->add_option("COMMAND", *wanted, "Which; without, all are listed"), "COMMAND", names);
  SetExamples(*cmd, {{"stranded help gate", "the same as stranded gate --help"},
                     {"stranded man | man -l -", "everything on one page"}});
  cmd->callback([&app, &exit_code, wanted] {
    const CLI::App* about = wanted->empty() ? &app : app.get_subcommand(*wanted);
    std::fputs(about->help(wanted->empty() ? "" : "stranded").c_str(), stdout);
    exit_code = kClean;
  });
}

}  // namespace stranded::cli
