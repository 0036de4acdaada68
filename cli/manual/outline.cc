#include "cli/manual/outline.h"

#include "absl/strings/str_cat.h"
#include "cli/manual/choices.h"

namespace stranded::cli {
namespace {

OptionOutline Describe(CLI::Option& option) {
  OptionOutline out;
  for (const std::string& name : option.get_lnames()) out.names.push_back("--" + name);
  for (const std::string& name : option.get_snames()) out.names.push_back("-" + name);
  out.value = ValueName(option);
  out.choices = ChoicesOf(option);
  out.text = option.get_description();
  out.group = option.get_group();
  out.repeatable = option.get_multi_option_policy() == CLI::MultiOptionPolicy::TakeAll;
  return out;
}

CommandOutline Describe(CLI::App& app) {
  CommandOutline out{app.get_name(), app.get_description(), app.get_footer(), {}, {}};
  for (CLI::Option* option : app.get_options({})) {
    if (option->get_positional()) {
      out.arguments.push_back({option->get_name(true, false), option->get_description(),
                               ChoicesOf(*option), option->get_required(),
                               option->get_expected_max() > 1});
    } else {
      out.options.push_back(Describe(*option));
    }
  }
  return out;
}

}  // namespace

std::vector<std::string> Outline::CommandNames() const {
  std::vector<std::string> names;
  for (const CommandOutline& c : commands) names.push_back(c.name);
  return names;
}

Outline OutlineOf(CLI::App& app) {
  Outline out;
  out.program = Describe(app);
  for (CLI::App* command : app.get_subcommands({})) out.commands.push_back(Describe(*command));
  return out;
}

ValueKind KindOf(const std::string& value) {
  if (value == "FILE" || value == "BEFORE" || value == "AFTER") return ValueKind::kFile;
  if (value == "DIR") return ValueKind::kDirectory;
  return value == "CMD" ? ValueKind::kProgram : ValueKind::kNone;
}

std::string ValueName(const CLI::Option& option) {
  if (option.get_items_expected_max() == 0) return "";
  if (!option.get_option_text().empty()) return option.get_option_text();
  const std::string type = option.get_type_name();
  return type.substr(0, type.find(':'));
}

}  // namespace stranded::cli
