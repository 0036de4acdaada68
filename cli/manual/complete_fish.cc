#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "cli/manual/completions.h"

namespace stranded::cli {
namespace {

std::string Quoted(const std::string& text) {
  return absl::StrCat("'", absl::StrReplaceAll(text, {{"\\", "\\\\"}, {"'", "\\'"}}), "'");
}

std::string Values(ValueKind kind, const std::vector<std::string>& choices) {
  if (!choices.empty()) return absl::StrCat(" -f -a ", Quoted(absl::StrJoin(choices, " ")));
  switch (kind) {
    case ValueKind::kFile: return " -F";
    case ValueKind::kDirectory: return " -f -a '(__fish_complete_directories)'";
    case ValueKind::kProgram: return " -f -a '(__fish_complete_subcommand)'";
    case ValueKind::kNone: break;
  }
  return " -f";
}

std::string OptionLine(const std::string& when, const OptionOutline& o) {
  std::string line = absl::StrCat("complete -c stranded -n ", Quoted(when));
  for (const std::string& name : o.names) {
    absl::StrAppend(&line,
                    name.starts_with("--") ? " -l " + name.substr(2) : " -s " + name.substr(1));
  }
  if (!o.value.empty()) absl::StrAppend(&line, " -r", Values(KindOf(o.value), o.choices));
  return absl::StrCat(line, " -d ", Quoted(o.text), "\n");
}

}  // namespace

std::string FishCompletion(const Outline& outline) {
  std::string out =
      "# fish completion of stranded; `stranded completions fish` prints it\n"
      "complete -c stranded -f\n";
  for (const OptionOutline& o : outline.program.options) {
    absl::StrAppend(&out, OptionLine("__fish_use_subcommand", o));
  }
  for (const CommandOutline& c : outline.commands) {
    absl::StrAppend(&out, "complete -c stranded -n __fish_use_subcommand -f -a ", c.name, " -d ",
                    Quoted(c.text), "\n");
  }
  for (const CommandOutline& c : outline.commands) {
    const std::string when = absl::StrCat("__fish_seen_subcommand_from ", c.name);
    for (const OptionOutline& o : c.options) absl::StrAppend(&out, OptionLine(when, o));
    if (c.arguments.empty()) continue;
    const ArgumentOutline& a = c.arguments.front();
    absl::StrAppend(&out, "complete -c stranded -n ", Quoted(when),
                    Values(KindOf(a.name), a.choices), "\n");
  }
  return out;
}

}  // namespace stranded::cli
