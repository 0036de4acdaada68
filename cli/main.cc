// The program `stranded`: parses the command line and hands over to one command.
#include <algorithm>
#include <csignal>
#include <cstdio>
#include <exception>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "cli/commands/command.h"
#include "cli/manual/help.h"
#include "cli/terminal/terminal.h"
#include "cli/version.h"

namespace stranded::cli {
namespace {

void AddCommands(CLI::App& app, int& exit_code) {
  AddReport(app, exit_code);
  AddGate(app, exit_code);
  AddRun(app, exit_code);
  AddExplore(app, exit_code);
  AddFix(app, exit_code);
  AddDiff(app, exit_code);
  AddSuppress(app, exit_code);
  AddTasks(app, exit_code);
  AddTree(app, exit_code);
  AddShow(app, exit_code);
  AddExplain(app, exit_code);
  AddCompletions(app, exit_code);
  AddMan(app, exit_code);
  AddHelp(app, exit_code);
}

void Describe(CLI::App& app) {
  app.set_version_flag("--version", absl::StrCat("stranded ", kVersion, " (commit ", kCommit, ")"),
                       "Print the version and the commit it was built from");
  app.set_help_flag("-h,--help", "Print this help");
  app.formatter(std::make_shared<HelpFormatter>(HelpWidth()));
  app.require_subcommand(1);
  SetExamples(app,
              {{"stranded run -- ./my_server --once", "runs it and reports what it leaves behind"},
               {"stranded report dump.strd", "what is stranded in a dump, why, and the fix"},
               {"stranded report goroutines.txt", "the same for a Go program's dump"},
               {"stranded gate --baseline known.json *.strd", "fails a CI job on new leaks"},
               {"stranded explore -- ./my_test", "every test under a thousand schedules"},
               {"stranded fix -- ./my_test", "finds a leak, fixes it, and proves the fix"}},
              "Exit codes: 0 clean, 1 findings, 2 usage, 3 input missing, unreadable or partly "
              "lost, 4 internal error, or output not written. `stranded help COMMAND` has the "
              "options and examples of "
              "each.");
}

bool IsCommand(const CLI::App& app, const std::string& name) {
  return std::ranges::any_of(app.get_subcommands({}),
                             [&](const CLI::App* cmd) { return cmd->get_name() == name; });
}

int Main(int argc, char** argv) {
  CLI::App app("Finds tasks that are stuck for good, says why, and proposes a fix", "stranded");
  int exit_code = kClean;
  Describe(app);
  AddCommands(app, exit_code);
  if (argc == 1) {
    std::fputs(app.help().c_str(), stderr);
    return kUsage;
  }
  if (argv[1][0] != '-' && !IsCommand(app, argv[1])) {
    std::fputs(NoSuchCommand(app, argv[1]).c_str(), stderr);
    return kUsage;
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& wanted) {  // --help, --version
    app.exit(wanted);
  } catch (const CLI::ParseError& error) {
    std::fputs(UsageError(app, error).c_str(), stderr);
    return kUsage;
  }
  return FinishOutput() ? exit_code : kInternal;
}

}  // namespace
}  // namespace stranded::cli

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_DFL);  // `stranded tasks | head` ends quietly
  try {
    return stranded::cli::Main(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "stranded: internal error: %s\n", error.what());
    return stranded::cli::kInternal;
  }
}
