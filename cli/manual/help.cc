#include "cli/manual/help.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "cli/manual/outline.h"
#include "cli/manual/suggest.h"

namespace stranded::cli {
namespace {

constexpr std::size_t kTextColumn = 28;

}  // namespace

std::string Wrap(const std::string& text, std::size_t width, std::size_t indent) {
  const std::size_t room = width > indent + 20 ? width - indent : 20;
  std::string out;
  std::size_t used = 0;
  for (const std::string& word :
       std::vector<std::string>(absl::StrSplit(text, ' ', absl::SkipEmpty()))) {
    if (used > 0 && used + 1 + word.size() > room) {
      absl::StrAppend(&out, "\n", std::string(indent, ' '));
      used = 0;
    }
    absl::StrAppend(&out, used > 0 ? " " : "", word);
    used += word.size() + (used > 0 ? 1 : 0);
  }
  return out;
}

std::string HelpFormatter::Row(const std::string& name, const std::string& text) const {
  std::string out = absl::StrCat("  ", name);
  if (text.empty()) return out + "\n";
  const std::size_t column = std::min(kTextColumn, width_ / 3);
  if (out.size() + 2 > column) {
    absl::StrAppend(&out, "\n", std::string(column, ' '));
  } else {
    out.append(column - out.size(), ' ');
  }
  return absl::StrCat(out, Wrap(text, width_, column), "\n");
}

std::string HelpFormatter::make_option(const CLI::Option* option, bool is_positional) const {
  if (is_positional) return Row(option->get_name(true, false), option->get_description());
  std::vector<std::string> names;
  for (const std::string& name : option->get_snames()) names.push_back("-" + name);
  for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
  const std::string value = ValueName(*option);
  return Row(absl::StrCat(absl::StrJoin(names, ", "), value.empty() ? "" : " ", value),
             option->get_description());
}

std::string HelpFormatter::make_subcommand(const CLI::App* command) const {
  return Row(command->get_name(), command->get_description());
}

std::string HelpFormatter::make_option_usage(const CLI::Option* option) const {
  const std::string usage = CLI::Formatter::make_option_usage(option);
  return option->get_name(true, false) == "CMD" ? "-- " + usage : usage;
}

std::string HelpFormatter::make_help(const CLI::App* app, std::string name,
                                     CLI::AppFormatMode mode) const {
  const std::string help = CLI::Formatter::make_help(app, std::move(name), mode);
  return absl::StrReplaceAll(help, {{"\n\n\n", "\n\n"}});  // between groups of options
}

std::string HelpFormatter::make_footer(const CLI::App* app) const {
  if (app->get_footer().empty()) return "";
  std::vector<std::string> lines = absl::StrSplit(app->get_footer(), '\n');
  for (std::string& line : lines) {
    // What can be typed stays in one piece.
    if (!line.starts_with(' ')) line = Wrap(line, width_, 0);
  }
  return absl::StrCat(absl::StrJoin(lines, "\n"), "\n");
}

void SetExamples(CLI::App& app, const std::vector<Example>& examples, const std::string& more) {
  std::string text = more.empty() ? "" : more + "\n\n";
  absl::StrAppend(&text, "Examples:");
  for (const Example& e : examples) {
    absl::StrAppend(&text, "\n  ", e.command, "\n      ", e.does);
  }
  app.footer(text);
}

namespace {

const CLI::App& Chosen(const CLI::App& app) {
  const CLI::App* at = &app;
  while (!at->get_subcommands().empty()) at = at->get_subcommands().back();
  return *at;
}

std::vector<std::string> OptionNames(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::Option* option : app.get_options({})) {
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
  }
  return names;
}

// An option of a command that stands before it; or empty.
std::string BeforeCommand(const CLI::App& top, const CLI::App& command) {
  for (const std::string& word : top.remaining()) {
    const std::string name = word.substr(0, word.find('='));
    const std::vector<std::string> known = OptionNames(command);
    if (std::ranges::find(known, name) == known.end()) continue;
    return absl::StrCat("'", name, "' stands before the command; its place is behind it: stranded ",
                        command.get_name(), " ", name, " ...");
  }
  return "";
}

std::string Unexpected(const CLI::App& app) {
  std::vector<std::string> left = app.remaining();
  std::erase(left, "--");
  if (left.empty()) return "";
  const std::string& word = left.front();
  if (word.size() < 2 || word[0] != '-') {
    return absl::StrCat("'", word, "' is one argument too many");
  }
  const std::string name = word.substr(0, word.find('='));
  return absl::StrCat("no option '", name, "'", DidYouMean(name, OptionNames(app)));
}

}  // namespace

std::string NoSuchCommand(const CLI::App& app, const std::string& given) {
  std::vector<std::string> names;
  for (const CLI::App* command : app.get_subcommands({})) names.push_back(command->get_name());
  return absl::StrCat("stranded: no command '", given, "'", DidYouMean(given, names),
                      "\nCommands: ", Wrap(absl::StrJoin(names, " "), 80, 10), "\n");
}

std::string UsageError(const CLI::App& app, const CLI::ParseError& error) {
  const CLI::App& at = Chosen(app);
  std::string what = error.what();
  if (error.get_exit_code() == static_cast<int>(CLI::ExitCodes::ExtrasError)) {
    std::string unexpected = &at == &app ? "" : BeforeCommand(app, at);
    if (unexpected.empty()) unexpected = Unexpected(at);
    if (!unexpected.empty()) what = unexpected;
  } else if (error.get_exit_code() == static_cast<int>(CLI::ExitCodes::ArgumentMismatch)) {
    const bool twice = what.find("At Most") != std::string::npos;
    what = absl::StrCat(what.substr(0, what.find(':')),
                        twice ? " can be given only once" : " needs a value");
  } else if (error.get_exit_code() == static_cast<int>(CLI::ExitCodes::RequiredError)) {
    // Something is missing because something else was misspelt.
    const std::string unexpected = Unexpected(at);
    if (!unexpected.empty()) {
      what = &at == &app ? unexpected : absl::StrCat(unexpected, "; ", what);
    }
  }
  const bool top = &at == &app;
  return absl::StrCat("stranded", top ? "" : " ", top ? "" : at.get_name(), ": ", what,
                      "\nTry 'stranded help", top ? "" : " ", top ? "" : at.get_name(), "'.\n");
}

}  // namespace stranded::cli
