// The program `stranded`: parses the command line and hands over to one command.
#include <csignal>
#include <cstdio>
#include <exception>

#include "cli/commands/command.h"

namespace {

bool IsCommand(const CLI::App& app, const std::string& name) {
  for (const CLI::App* cmd : app.get_subcommands({})) {
    if (cmd->get_name() == name) return true;
  }
  return false;
}

}  // namespace

int main(int argc, char** argv) {
  using namespace stranded::cli;  // NOLINT(build/namespaces)
  CLI::App app("Finds tasks that are stuck for good, says why, and proposes a fix.", "stranded");
  app.set_version_flag("--version", "stranded 0.1.0");
  app.require_subcommand(1);
  app.footer(
      "Exit codes: 0 clean, 1 findings, 2 usage, 3 input unreadable or partly lost, 4 internal "
      "error.\n"
      "Examples:\n"
      "  stranded run -- ./my_server --once      run a program and report what it leaves behind\n"
      "  stranded report dump.strd               what is stranded in a dump, why, and the fix\n"
      "  stranded gate --baseline known.json *.strd\n"
      "  stranded explore -- ./my_test            every test under a thousand schedules\n"
      "  stranded fix -- ./my_test                find, fix and prove the fix");
  int exit_code = kClean;
  AddReport(app, exit_code);
  AddGate(app, exit_code);
  AddRun(app, exit_code);
  AddExplore(app, exit_code);
  AddFix(app, exit_code);
  AddTasks(app, exit_code);
  AddTree(app, exit_code);
  AddShow(app, exit_code);
  AddExplain(app, exit_code);
  std::signal(SIGPIPE, SIG_DFL);  // `stranded tasks | head` ends quietly
  if (argc > 1 && argv[1][0] != '-' && !IsCommand(app, argv[1])) {
    std::fprintf(stderr, "stranded: no command '%s'; accepted:", argv[1]);
    for (const CLI::App* cmd : app.get_subcommands({}))
      std::fprintf(stderr, " %s", cmd->get_name().c_str());
    std::fprintf(stderr, "\n");
    return kUsage;
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? kClean : kUsage;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "stranded: internal error: %s\n", error.what());
    return kInternal;
  }
  return exit_code;
}
