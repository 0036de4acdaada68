// stranded explain RULE: what a rule means and how to fix what it finds.
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "cli/commands/command.h"
#include "cli/manual/choices.h"
#include "cli/manual/help.h"
#include "cli/terminal/terminal.h"

namespace stranded::cli {
namespace {

// Each line by itself, to the width of a terminal.
std::string Wrapped(const std::string& text, std::size_t indent) {
  const std::size_t width = ReportWidth();
  if (width == 0) return text;
  std::vector<std::string> lines = absl::StrSplit(text, '\n');
  for (std::string& line : lines) line = Wrap(line, width, indent);
  return absl::StrJoin(lines, "\n");
}

void Explain(const RuleText& rule) {
  Print(absl::StrCat(Wrapped(absl::StrCat(rule.id, ": ", rule.finds), 0), "\n\n",
                     Wrapped(rule.explain, 0), "\n"));
}

void List(const RuleText& rule) {
  constexpr std::size_t kColumn = 19;
  std::string id = rule.id;
  id.resize(kColumn, ' ');
  Print(absl::StrCat(id, Wrapped(rule.finds, kColumn), "\n"));
}

}  // namespace

void AddExplain(CLI::App& app, int& exit_code) {
  auto* cmd = app.add_subcommand("explain", "Explain a rule; without one, list them all");
  auto id = std::make_shared<std::string>();
  std::vector<std::string> ids;
  for (const RuleText& rule : RuleCatalogue()) ids.emplace_back(rule.id);
  OneOf(cmd->add_option("RULE", *id, "Id of the rule; without one, all are listed"), "RULE", ids);
  SetExamples(*cmd, {{"stranded explain cancelled-send", "what it means and how to fix it"}});
  cmd->callback([=, &exit_code] {
    for (const RuleText& rule : RuleCatalogue()) {
      if (id->empty()) List(rule);
      if (*id == rule.id) Explain(rule);
    }
    exit_code = kClean;
  });
}

}  // namespace stranded::cli
