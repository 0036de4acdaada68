// stranded tasks FILE: one line for each task.
#include <cinttypes>
#include <cstdio>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/time.h"
#include "cli/commands/command.h"
#include "cli/manual/amounts.h"
#include "cli/manual/choices.h"
#include "cli/manual/help.h"
#include "cli/terminal/terminal.h"
#include "stranded/report.h"

namespace stranded::cli {
namespace {

struct TaskOptions {
  InputOptions input;
  TaskFilter filter;
  double min_age_seconds = 0;
};

// 2, or context:2 as `show` calls it.
void IdOf(CLI::Option* option, const std::string& kind) {
  option->option_text("ID")->transform(CLI::Validator(
      [kind](std::string& given) {
        const std::string prefix = kind + ":";
        const std::size_t from = given.starts_with(prefix) ? prefix.size() : 0;
        std::uint64_t number = 0;
        if (!absl::SimpleAtoi(given.substr(from), &number)) {
          return absl::StrCat("'", given, "' is no ", kind, "; give its number, or ", kind, ":N");
        }
        given = absl::StrCat(number);
        return std::string();
      },
      ""));
}

void AddFilters(CLI::App& cmd, TaskOptions& o) {
  cmd.remove_option(cmd.get_option("--min-age"));  // of the analysis; here it chooses tasks
  OneOf(cmd.add_option("--state", o.filter.state, "Only tasks in this state"), "STATE",
        {"runnable", "running", "blocked", "sleeping", "syscall", "finished"});
  cmd.add_option("--site", o.filter.site, "Only tasks whose wait or spawn site has this text")
      ->option_text("TEXT");
  IdOf(cmd.add_option("--context", o.filter.context, "Only tasks in this context or one below it"),
       "context");
  IdOf(cmd.add_option("--channel", o.filter.channel, "Only tasks that wait for this channel"),
       "channel");
  Seconds(cmd.add_option("--min-age", o.min_age_seconds,
                         "Only tasks that have been blocked for so long"));
  cmd.add_flag("--stranded", o.filter.in_findings, "Only tasks of findings");
}

void AddColumns(CLI::App& cmd, TaskOptions& o) {
  OneOf(cmd.add_option("--sort", o.filter.sort,
                       "Sort by this column (default id; age: oldest first)"),
        "COLUMN", TaskColumns());
  cmd.add_flag("--reverse", o.filter.reverse, "Sort the other way round");
  const std::string names = absl::StrJoin(TaskColumns(), ", ");
  OneOf(cmd.add_option("--columns", o.filter.columns,
                       absl::StrCat("Which, and in what order: ", names)),
        "LIST", TaskColumns())
      ->delimiter(',')
      ->expected(1)
      ->allow_extra_args(false)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
}

// What is asked for by its id but not there; or empty.
std::string NotThere(const Analysis& analysis, const TaskFilter& filter) {
  if (filter.context != 0 && !HasContext(analysis, filter.context)) {
    return absl::StrCat("context ", filter.context);
  }
  if (filter.channel != 0 && !HasChannel(analysis, filter.channel)) {
    return absl::StrCat("channel ", filter.channel);
  }
  return "";
}

int Run(TaskOptions& o) {
  o.input.all_tasks = true;
  const auto analysis = Load(o.input.file, o.input);
  if (analysis == nullptr) return kInput;
  ShowPaths(o.input, *analysis);
  o.filter.ignore = o.input.ignore;
  o.filter.in_findings |= !o.input.rules.empty();
  o.filter.min_age_ns = absl::ToInt64Nanoseconds(absl::Seconds(o.min_age_seconds));
  if (const std::string what = NotThere(*analysis, o.filter); !what.empty()) {
    std::fprintf(stderr, "stranded tasks: there is no %s in %s\n", what.c_str(),
                 o.input.file.c_str());
    const Exit whole = CleanUnlessLost(*analysis);
    return whole == kClean ? kUsage : whole;  // it may be in what was lost
  }
  o.filter.width = Width();
  TaskTable(*analysis, o.filter, &Print);
  if (const std::uint64_t left = analysis->summary.unlisted; left > 0) {
    std::fprintf(stderr,
                 "stranded: %" PRIu64 " more goroutines are counted by report and not listed\n",
                 left);
  }
  return CleanUnlessLost(*analysis);
}

}  // namespace

void AddTasks(CLI::App& app, int& exit_code) {
  auto* cmd = app.add_subcommand("tasks", "List the tasks of a dump");
  auto o = std::make_shared<TaskOptions>();
  AddInputOptions(*cmd, o->input, false);
  AddLiveOption(*cmd, o->input);
  AddFilters(*cmd, *o);
  AddColumns(*cmd, *o);
  SetExamples(*cmd,
              {{"stranded tasks dump.strd --sort age", "who has been blocked the longest"},
               {"stranded tasks dump.strd --stranded --site fetch.cc", "findings in one file"},
               {"stranded tasks dump.strd --state blocked --columns id,age,context,spawned",
                "where blocked tasks come from"},
               {"stranded tasks dump.strd --context 3", "everything below a context"}},
              "Lines are cut to the terminal's width, or to COLUMNS if that is set; else, into a "
              "pipe, they "
              "are whole.");
  cmd->callback([=, &exit_code] {
    if (ResolveLive(o->input, exit_code)) exit_code = Run(*o);
  });
}

}  // namespace stranded::cli
