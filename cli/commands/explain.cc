// stranded explain RULE: what a rule means and how to fix what it finds.
#include "cli/commands/command.h"
#include "cli/manual/choices.h"
#include "cli/manual/help.h"

namespace stranded::cli {

void AddExplain(CLI::App& app, int& exit_code) {
  auto* cmd = app.add_subcommand("explain", "Explain a rule; without one, list them all");
  auto id = std::make_shared<std::string>();
  std::vector<std::string> ids;
  for (const RuleText& rule : RuleCatalogue()) ids.emplace_back(rule.id);
  OneOf(cmd->add_option("RULE", *id, "Id of the rule; without one, all are listed"), "RULE", ids);
  SetExamples(*cmd, {{"stranded explain cancelled-send", "what it means and how to fix it"}});
  cmd->callback([=, &exit_code] {
    for (const RuleText& rule : RuleCatalogue()) {
      if (id->empty()) std::printf("%-18s %s\n", rule.id, rule.finds);
      if (*id == rule.id) std::printf("%s: %s\n\n%s\n", rule.id, rule.finds, rule.explain);
    }
    exit_code = kClean;
  });
}

}  // namespace stranded::cli
