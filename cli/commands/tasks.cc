// stranded tasks FILE: one line for each task.
#include "cli/commands/command.h"
#include "stranded/report.h"

namespace stranded::cli {

void AddTasks(CLI::App& app, int& exit_code) {
  auto* cmd = app.add_subcommand("tasks", "List the tasks of a dump");
  auto input = std::make_shared<InputOptions>();
  auto filter = std::make_shared<TaskFilter>();
  AddInputOptions(*cmd, *input, false);
  AddLiveOption(*cmd, *input);
  cmd->add_option("--state", filter->state, "Only tasks in this state")
      ->check(CLI::IsMember({"runnable", "running", "blocked", "sleeping", "syscall", "finished"}));
  cmd->add_option("--sort", filter->sort, "id, age, state or name")
      ->check(CLI::IsMember({"id", "age", "state", "name"}));
  cmd->add_option("--site", filter->site, "Only tasks whose wait or spawn site has this text");
  cmd->callback([=, &exit_code] {
    if (!ResolveLive(*input, exit_code)) return;
    const auto analysis = Load(input->file, *input);
    if (analysis != nullptr) std::fputs(TaskTable(*analysis, *filter).c_str(), stdout);
    exit_code = analysis == nullptr ? kInput : kClean;
  });
}

}  // namespace stranded::cli
