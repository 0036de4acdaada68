#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "cli/manual/completions.h"

namespace stranded::cli {
namespace {

constexpr const char* kHead =
    R"(# bash completion of stranded; `stranded completions bash` prints it

_stranded_words() { mapfile -t COMPREPLY < <(compgen -W "$1" -- "$cur"); }
_stranded_paths() {
  compopt -o filenames 2>/dev/null
  mapfile -t COMPREPLY < <(compgen "$1" -- "$cur")
}
# After --: a program, then its own arguments.
_stranded_program() {
  if declare -F _command_offset >/dev/null; then
    _command_offset "$1"
  elif ((COMP_CWORD == $1)); then
    mapfile -t COMPREPLY < <(compgen -c -f -- "$cur")
  else
    _stranded_paths -f
  fi
}

_stranded() {
  local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} command='' i
  COMPREPLY=()
  # --color=always is three words to bash.
  if [[ $cur == = ]]; then cur=''; elif [[ $prev == = ]]; then prev=${COMP_WORDS[COMP_CWORD-2]}; fi
  for ((i = 1; i < COMP_CWORD; i++)); do
    case ${COMP_WORDS[i]} in
      --) _stranded_program $((i + 1)); return ;;
      -*) ;;
      *) if [[ -z $command ]]; then command=${COMP_WORDS[i]}; fi ;;
    esac
  done
)";

std::string Complete(ValueKind kind, const std::vector<std::string>& choices) {
  if (!choices.empty()) return absl::StrCat("_stranded_words '", absl::StrJoin(choices, " "), "'");
  switch (kind) {
    case ValueKind::kFile: return "_stranded_paths -f";
    case ValueKind::kDirectory: return "_stranded_paths -d";
    case ValueKind::kProgram: return "_stranded_words --";
    case ValueKind::kNone: break;
  }
  return ":";
}

// "  case $command in", one line for each command, "  esac".
void AddOptions(const Outline& outline, std::string& out) {
  const auto add = [&](const CommandOutline& c, const std::string& pattern,
                       const std::vector<std::string>& more) {
    std::vector<std::string> words = more;
    for (const OptionOutline& o : c.options)
      words.insert(words.end(), o.names.begin(), o.names.end());
    absl::StrAppend(&out, "      ", pattern, ") _stranded_words '", absl::StrJoin(words, " "),
                    "' ;;\n");
  };
  absl::StrAppend(&out, "  if [[ -z $command || $cur == -* ]]; then\n    case $command in\n");
  add(outline.program, "''", outline.CommandNames());
  for (const CommandOutline& c : outline.commands) add(c, c.name, {});
  absl::StrAppend(&out, "    esac\n    return\n  fi\n");
}

void AddValues(const Outline& outline, std::string& out) {
  absl::StrAppend(&out, "  case $command:$prev in\n");
  for (const CommandOutline& c : outline.commands) {
    for (const OptionOutline& o : c.options) {
      if (o.value.empty()) continue;
      std::vector<std::string> patterns;
      for (const std::string& name : o.names) patterns.push_back(absl::StrCat(c.name, ":", name));
      absl::StrAppend(&out, "    ", absl::StrJoin(patterns, "|"), ") ",
                      Complete(KindOf(o.value), o.choices), "; return ;;\n");
    }
  }
  absl::StrAppend(&out, "  esac\n");
}

void AddArguments(const Outline& outline, std::string& out) {
  absl::StrAppend(&out, "  case $command in\n");
  for (const CommandOutline& c : outline.commands) {
    if (c.arguments.empty()) continue;
    const ArgumentOutline& a = c.arguments.front();
    absl::StrAppend(&out, "    ", c.name, ") ", Complete(KindOf(a.name), a.choices), " ;;\n");
  }
  absl::StrAppend(&out, "  esac\n");
}

}  // namespace

std::string BashCompletion(const Outline& outline) {
  std::string out = kHead;
  AddValues(outline, out);
  AddOptions(outline, out);
  AddArguments(outline, out);
  return absl::StrCat(out, "}\ncomplete -F _stranded stranded\n");
}

}  // namespace stranded::cli
