// stranded tree FILE: contexts and the tasks below them.
#include "cli/commands/command.h"
#include "cli/manual/help.h"
#include "cli/terminal/terminal.h"
#include "stranded/report.h"

namespace stranded::cli {

void AddTree(CLI::App& app, int& exit_code) {
  auto* cmd =
      app.add_subcommand("tree", "Draw contexts and tasks; equal subtrees are folded and counted");
  auto input = std::make_shared<InputOptions>();
  AddInputOptions(*cmd, *input, false);
  AddLiveOption(*cmd, *input);
  SetExamples(*cmd, {{"stranded tree dump.strd", "who was started below which context"}});
  cmd->callback([=, &exit_code] {
    if (!ResolveLive(*input, exit_code)) return;
    const auto analysis = Load(input->file, *input);
    exit_code = kInput;
    if (analysis == nullptr) return;
    ShowPaths(*input, *analysis);
    Print(TreeReport(*analysis));
    exit_code = CleanUnlessLost(*analysis);
  });
}

}  // namespace stranded::cli
