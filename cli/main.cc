// The program `stranded`: parses the command line and hands over to one command.
#include <algorithm>
#include <csignal>
#include <cstdio>
#include <exception>
#include <string>
#include <vector>

#include "cli/commands/command.h"

namespace {

bool IsCommand(const CLI::App& app, const std::string& name) {
  for (const CLI::App* cmd : app.get_subcommands({})) {
    if (cmd->get_name() == name) return true;
  }
  return false;
}

// Edits that turn one word into the other.
std::size_t Distance(const std::string& a, const std::string& b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t change = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({change, row[j] + 1, row[j - 1] + 1});
    }
  }
  return row[b.size()];
}

// The command that was probably meant; empty if none is near.
std::string Nearest(const CLI::App& app, const std::string& given) {
  std::string best;
  std::size_t least = 3;
  for (const CLI::App* cmd : app.get_subcommands({})) {
    const std::size_t distance = Distance(given, cmd->get_name());
    if (distance < least) {
      least = distance;
      best = cmd->get_name();
    }
  }
  return best;
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
  AddDiff(app, exit_code);
  AddSuppress(app, exit_code);
  AddTasks(app, exit_code);
  AddTree(app, exit_code);
  AddShow(app, exit_code);
  AddExplain(app, exit_code);
  std::signal(SIGPIPE, SIG_DFL);  // `stranded tasks | head` ends quietly
  if (argc > 1 && argv[1][0] != '-' && std::string(argv[1]) != "help" && !IsCommand(app, argv[1])) {
    std::fprintf(stderr, "stranded: no command '%s'; accepted:", argv[1]);
    for (const CLI::App* cmd : app.get_subcommands({}))
      std::fprintf(stderr, " %s", cmd->get_name().c_str());
    std::fprintf(stderr, "\n");
    const std::string meant = Nearest(app, argv[1]);
    if (!meant.empty()) std::fprintf(stderr, "did you mean '%s'?\n", meant.c_str());
    return kUsage;
  }
  // `stranded help CMD` is `stranded CMD --help`.
  std::vector<std::string> args(argv + 1, argv + argc);
  if (!args.empty() && args[0] == "help") {
    args.erase(args.begin());
    args.emplace_back("--help");
  }
  std::reverse(args.begin(), args.end());
  try {
    app.parse(args);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? kClean : kUsage;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "stranded: internal error: %s\n", error.what());
    return kInternal;
  }
  return exit_code;
}
