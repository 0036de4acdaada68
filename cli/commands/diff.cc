// stranded diff A B: which findings are new, which are gone, and how counts changed.
#include <cstdio>
#include <map>

#include "absl/strings/str_cat.h"
#include "cli/commands/command.h"
#include "cli/manual/help.h"
#include "cli/terminal/terminal.h"

namespace stranded::cli {
namespace {

struct DiffFlags {
  InputOptions input;
  std::string before, after;
};

std::map<std::string, const Finding*> ById(const Analysis& analysis) {
  std::map<std::string, const Finding*> found;
  for (const Finding& f : analysis.findings) found[std::string(f.fingerprint())] = &f;
  return found;
}

void Line(std::string what, const Finding& f) {
  const FindingData& d = f.data();
  what.resize(8, ' ');
  Print(
      absl::StrCat(what, " ", d.rule, ", ", d.verdict, ": ", d.title, " (", d.fingerprint, ")\n"));
}

const char* Form(const Analysis& analysis) {
  return analysis.summary.go_form.empty() ? "Stranded" : analysis.summary.go_form.c_str();
}

std::string Tasks(std::size_t count) {
  return absl::StrCat(count, count == 1 ? " task" : " tasks");
}

void SayLost(const std::string& file, const char* so) {
  std::fprintf(stderr, "stranded: part of %s is lost: %s\n", file.c_str(), so);
}

int Diff(const DiffFlags& o) {
  if (o.before == "-" && o.after == "-") {
    std::fprintf(stderr, "stranded diff: %s\n", kStdinTwice);
    return kUsage;
  }
  const auto before = Load(o.before, o.input), after = Load(o.after, o.input);
  if (before == nullptr || after == nullptr) return kInput;
  if (before->summary.go_form != after->summary.go_form) {
    std::fprintf(stderr,
                 "stranded diff: a %s dump and a %s do not name places alike: all would seem new\n",
                 Form(*before), Form(*after));
    return kInput;
  }
  ShowPaths(o.input, *before);
  ShowPaths(o.input, *after);
  const auto old_ones = ById(*before), new_ones = ById(*after);
  std::size_t fresh = 0, gone = 0, same = 0;
  for (const auto& [id, f] : new_ones) {
    const auto known = old_ones.find(id);
    if (known == old_ones.end()) {
      ++fresh;
      Line("new", *f);
    } else if (known->second->task_count() != f->task_count()) {
      ++same;
      Line("changed", *f);
      std::printf("         %s before, %zu now\n", Tasks(known->second->task_count()).c_str(),
                  f->task_count());
    } else {
      ++same;
    }
  }
  for (const auto& [id, f] : old_ones) {
    if (new_ones.contains(id)) continue;
    ++gone;
    Line("gone", *f);
  }
  std::printf("%zu new, %zu gone, %zu in both; %s before, %zu now\n", fresh, gone, same,
              Tasks(before->summary.tasks).c_str(), after->summary.tasks);
  if (PartlyLost(*before)) SayLost(o.before, "what is missing there may not be new");
  if (PartlyLost(*after)) SayLost(o.after, "what is missing there may not be gone");
  if (PartlyLost(*before) || PartlyLost(*after)) return kInput;
  return fresh > 0 ? kFindings : kClean;
}

}  // namespace

void AddDiff(CLI::App& app, int& exit_code) {
  auto* cmd = app.add_subcommand("diff", "Compare the findings of two dumps (exit 1: new ones)");
  auto o = std::make_shared<DiffFlags>();
  cmd->add_option("BEFORE", o->before, "Dump file")->required();
  cmd->add_option("AFTER", o->after, "Dump file")->required();
  AddPathOptions(*cmd, o->input);
  SetExamples(*cmd,
              {{"stranded diff main.strd branch.strd", "what a branch adds and what it cures"}},
              "Exit codes: 0 nothing new, 1 new findings, 3 a dump unreadable or partly lost, or "
              "the two of different forms.");
  cmd->callback([=, &exit_code] { exit_code = Diff(*o); });
}

}  // namespace stranded::cli
