// stranded show FILE WHAT: one task, channel, context, lock or finding, and what leads on from it.
#include <algorithm>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "cli/commands/command.h"
#include "cli/manual/help.h"
#include "cli/manual/suggest.h"
#include "cli/terminal/terminal.h"
#include "cli/terminal/wrap.h"
#include "stranded/paths.h"
#include "stranded/report.h"

namespace stranded::cli {
namespace {

struct ShowFlags {
  InputOptions input;
  ShowOptions show;
  std::string what, color = "auto";
};

using ShowById = std::string (*)(const Analysis&, std::uint64_t, const ShowOptions&);
constexpr std::pair<const char*, ShowById> kKinds[] = {
    {"task", ShowTask}, {"channel", ShowChannel}, {"context", ShowContext}, {"sync", ShowSync}};

std::string Find(const Analysis& analysis, const std::string& what, const ShowOptions& o) {
  if (what.starts_with("s1:")) return ShowFinding(analysis, what, o);
  const std::size_t colon = what.find(':');
  const std::string kind = colon == std::string::npos ? "task" : what.substr(0, colon);
  const std::string rest = colon == std::string::npos ? what : what.substr(colon + 1);
  if (kind == "finding") return ShowFinding(analysis, rest, o);
  std::uint64_t id = 0;
  if (!absl::SimpleAtoi(rest, &id)) return "";
  for (const auto& [name, show] : kKinds) {
    if (kind == name) return show(analysis, id, o);
  }
  return "";
}

int NotFound(const ShowFlags& o) {
  const std::string kind = o.what.substr(0, o.what.find(':'));
  const std::vector<std::string> kinds = {"task", "channel", "context", "sync", "finding"};
  const bool known = std::find(kinds.begin(), kinds.end(), kind) != kinds.end();
  std::fprintf(stderr,
               "stranded show: nothing called '%s' in %s%s\nAccepted: task:ID, channel:ID, "
               "context:ID, sync:ID, finding:N, s1:...; `stranded tasks` and `stranded report` "
               "list them\n",
               o.what.c_str(), o.show.file.c_str(), known ? "" : DidYouMean(kind, kinds).c_str());
  return kUsage;
}

int Run(ShowFlags& o) {
  o.input.all_tasks = true;
  o.input.merge = false;
  const auto analysis = Load(o.input.file, o.input);
  if (analysis == nullptr) return kInput;
  ShowPaths(o.input, *analysis);
  o.show.file = FileArgument(o.input);
  o.show.absolute_paths = o.input.absolute_paths;
  o.show.path_prefix = PathPrefix(o.input.source_root);
  o.show.color = UseColor(o.color);
  const std::string text = Find(*analysis, o.what, o.show);
  const Exit whole = CleanUnlessLost(*analysis);
  if (text.empty()) {
    const int not_found = NotFound(o);
    return whole == kClean ? not_found : whole;  // it may be in what was lost
  }
  Print(WrapReport(text, ReportWidth()));
  return whole;
}

}  // namespace

void AddShow(CLI::App& app, int& exit_code) {
  auto* cmd =
      app.add_subcommand("show", "Show one task, channel, context, lock or finding in full");
  auto o = std::make_shared<ShowFlags>();
  AddInputOptions(*cmd, o->input, false);
  AddLiveOption(*cmd, o->input);
  cmd->add_option(
         "WHAT", o->what,
         "task:ID (or just ID), channel:ID, context:ID, sync:ID (a lock, wait group, ...), "
         "finding:N or a finding's id (s1:...)")
      ->required();
  cmd->add_flag("--all-frames", o->show.all_frames, "The stack with the runtime's own frames");
  AddColorOption(*cmd, o->color);
  SetExamples(*cmd,
              {{"stranded show dump.strd 7", "a task: what it waits for, and why"},
               {"stranded show dump.strd channel:1", "a channel, and who waits for it"},
               {"stranded show dump.strd context:3", "a context, and the tasks in it"},
               {"stranded show dump.strd finding:1", "the first finding of the report"}},
              "Below each page stand the commands that lead on from it.");
  cmd->callback([=, &exit_code] {
    if (ResolveLive(o->input, exit_code)) exit_code = Run(*o);
  });
}

}  // namespace stranded::cli
