#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "cli/manual/completions.h"

namespace stranded::cli {
namespace {

// Inside single quotes, inside [...] or between colons.
std::string Text(const std::string& text) {
  return absl::StrReplaceAll(
      text, {{"\\", "\\\\"}, {"'", "'\\''"}, {"[", "\\["}, {"]", "\\]"}, {":", "\\:"}});
}

std::string Action(ValueKind kind, const std::vector<std::string>& choices) {
  if (!choices.empty()) return absl::StrCat("(", absl::StrJoin(choices, " "), ")");
  switch (kind) {
    case ValueKind::kFile: return "_files";
    case ValueKind::kDirectory: return "_files -/";
    case ValueKind::kProgram: return "_normal";
    case ValueKind::kNone: break;
  }
  return "";
}

std::string OptionSpec(const OptionOutline& o, const std::string& name) {
  // The other names of an option that stands once already are no longer offered.
  std::string spec = o.repeatable ? "*" : absl::StrCat("(", absl::StrJoin(o.names, " "), ")");
  absl::StrAppend(&spec, name);
  if (!o.value.empty()) absl::StrAppend(&spec, name.starts_with("--") ? "=" : "+");
  absl::StrAppend(&spec, "[", Text(o.text), "]");
  if (!o.value.empty()) {
    absl::StrAppend(&spec, ":", Text(o.value), ":", Action(KindOf(o.value), o.choices));
  }
  return absl::StrCat("'", spec, "'");
}

std::string ArgumentSpec(const ArgumentOutline& a) {
  const ValueKind kind = KindOf(a.name);
  if (kind == ValueKind::kProgram) return "'*::program:_normal'";
  return absl::StrCat("'", a.many ? "*" : "", ":", Text(a.name), ":", Action(kind, a.choices), "'");
}

void AddCommand(const CommandOutline& c, std::string& out) {
  absl::StrAppend(&out, "    ", c.name, ")\n      _arguments -S");
  for (const OptionOutline& o : c.options) {
    for (const std::string& name : o.names) {
      absl::StrAppend(&out, " \\\n        ", OptionSpec(o, name));
    }
  }
  for (const ArgumentOutline& a : c.arguments) {
    absl::StrAppend(&out, " \\\n        ", ArgumentSpec(a));
  }
  absl::StrAppend(&out, " ;;\n");
}

}  // namespace

std::string ZshCompletion(const Outline& outline) {
  std::string out = "#compdef stranded\n# `stranded completions zsh` prints it\n\n_stranded() {\n";
  absl::StrAppend(&out, "  if (( CURRENT == 2 )); then\n    local -a commands=(\n");
  for (const CommandOutline& c : outline.commands) {
    absl::StrAppend(&out, "      '", c.name, ":", Text(c.text), "'\n");
  }
  absl::StrAppend(&out, "    )\n    _describe -t commands command commands\n    _arguments");
  for (const OptionOutline& o : outline.program.options) {
    for (const std::string& name : o.names) {
      absl::StrAppend(&out, " \\\n      ", OptionSpec(o, name));
    }
  }
  absl::StrAppend(&out,
                  "\n    return\n  fi\n  local command=$words[2]\n  shift words\n"
                  "  (( CURRENT-- ))\n  case $command in\n");
  for (const CommandOutline& c : outline.commands) AddCommand(c, out);
  // Autoloaded from $fpath, the file is the function; sourced, it registers itself.
  return absl::StrCat(out,
                      "  esac\n}\n\nif [[ $funcstack[1] == _stranded ]]; then\n  _stranded \"$@\"\n"
                      "else\n  compdef _stranded stranded\nfi\n");
}

}  // namespace stranded::cli
