// stranded man: the manual page, for man(1).
#include <cstdio>

#include "cli/commands/command.h"
#include "cli/manual/help.h"
#include "cli/manual/man_page.h"

namespace stranded::cli {

void AddMan(CLI::App& app, int& exit_code) {
  auto* cmd = app.add_subcommand("man", "Print the manual page (roff)");
  SetExamples(*cmd, {{"stranded man | man -l -", "reads it without installing it"}});
  cmd->callback([&app, &exit_code] {
    std::fputs(ManPage(OutlineOf(app)).c_str(), stdout);
    exit_code = kClean;
  });
}

}  // namespace stranded::cli
