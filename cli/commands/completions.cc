// stranded completions SHELL: the script that completes this very command line.
#include "cli/manual/completions.h"

#include <cstdio>

#include "cli/commands/command.h"
#include "cli/manual/choices.h"
#include "cli/manual/help.h"

namespace stranded::cli {

void AddCompletions(CLI::App& app, int& exit_code) {
  auto* cmd = app.add_subcommand("completions", "Print the completion script of a shell");
  auto shell = std::make_shared<std::string>();
  OneOf(cmd->add_option("SHELL", *shell, "bash, zsh or fish"), "SHELL", {"bash", "zsh", "fish"})
      ->required();
  SetExamples(*cmd, {{"source <(stranded completions bash)", "in ~/.bashrc"},
                     {"stranded completions zsh > ~/.zfunc/_stranded", "a folder of $fpath"},
                     {"stranded completions fish > ~/.config/fish/completions/stranded.fish",
                      "fish finds it there"}});
  cmd->callback([&app, &exit_code, shell] {
    const Outline outline = OutlineOf(app);
    const std::string text = *shell == "bash"  ? BashCompletion(outline)
                             : *shell == "zsh" ? ZshCompletion(outline)
                                               : FishCompletion(outline);
    std::fputs(text.c_str(), stdout);
    exit_code = kClean;
  });
}

}  // namespace stranded::cli
