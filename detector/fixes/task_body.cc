#include "detector/fixes/task_body.h"

#include <string_view>

#include "absl/strings/str_replace.h"
#include "detector/fixes/source_edit.h"

namespace stranded::detector {
namespace {

// "app::Server::Run" of "void app::Server::Run(int)"; "" if there are no parentheses, as with
// compilers that give the bare name. Unnamed namespaces are left out: what is in them is found from
// around them, too.
std::string QualifiedName(const std::string& text) {
  const std::string named = absl::StrReplaceAll(text, {{"{anonymous}::", ""}});
  if (named.find('(') == std::string::npos) return "";
  const std::string_view function = std::string_view(named).substr(0, named.find('('));
  int angles = 0;
  for (std::size_t at = function.size(); at-- > 0;) {
    if (function[at] == '>') ++angles;
    if (function[at] == '<') --angles;
    if (function[at] == ' ' && angles == 0) return std::string(function.substr(at + 1));
  }
  return std::string(function);  // a constructor: it says no type
}

// With the "::" at its end.
std::string_view ScopeOf(std::string_view qualified) {
  const std::size_t last = qualified.rfind("::");
  return last == std::string_view::npos ? "" : qualified.substr(0, last + 2);
}

// A call at `spawn` of what is so named there may mean the function around `wait`, and hardly
// another one.
bool Means(const CallText& call, const SourceSite& spawn, const SourceSite& wait) {
  const std::string from = QualifiedName(spawn.function), to = QualifiedName(wait.function);
  if (from.empty() || to.empty()) return false;
  if (call.qualifier.empty()) return ScopeOf(from).starts_with(ScopeOf(to));
  if (call.qualifier == "this->") return ScopeOf(from) == ScopeOf(to);
  return ScopeOf(to).ends_with(call.qualifier);
}

bool IsItself(const SourceSite& spawn, const SourceSite& wait, const FunctionText& function) {
  return function.handed_to == "Go" && spawn.file == wait.file &&
         function.handed_from <= spawn.line && spawn.line <= function.handed_till;
}

}  // namespace

bool IsAllOfTask(const SourceSite& spawn, const SourceSite& wait, const SourceCode& code,
                 const FunctionText& function, const std::string& root) {
  if (IsItself(spawn, wait, function)) return true;
  if (function.name.empty() || code.CallsItself(function)) return false;
  const auto source = FindSource(spawn.file, root);
  if (!source.has_value()) return false;
  const auto call = SourceCode(source->lines).OnlyCallHandedTo("Go", spawn.line);
  return call.has_value() && call->name == function.name &&
         call->arguments == function.parameters && Means(*call, spawn, wait);
}

}  // namespace stranded::detector
