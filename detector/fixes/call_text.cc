// Calls as they stand in a source file: what a task does, if that is one call.
#include <cctype>
#include <regex>

#include "detector/fixes/function_text.h"

namespace stranded::detector {
// At the top level of the parentheses that open there.
std::size_t SourceCode::ArgumentsIn(std::size_t open) const {
  const std::size_t close = partners_[open];
  if (close == std::string::npos || Behind(open) == close) return 0;
  std::size_t count = 1;
  int angles = 0;  // a comma in a<b, c> is none; where they compare, one argument too few
  for (std::size_t at = open + 1; at < close; ++at) {
    if (partners_[at] != std::string::npos && partners_[at] > at) at = partners_[at];
    const char c = text_[at];
    if (c == '<') ++angles;
    if (c == '>' && angles > 0 && text_[at - 1] != '-') --angles;
    if (c == ',' && angles == 0) ++count;
  }
  return count;
}

// What stands before a function's name, whose last letter is at `name`, and before the classes that
// it belongs to.
bool SourceCode::IsVoid(std::size_t name) const {
  std::size_t at = name;
  for (;;) {
    const std::string word = WordEndingAt(at);
    if (word.empty()) return false;
    at = Before(at + 1 - word.size());
    if (at == std::string::npos) return false;
    if (text_[at] != ':') return WordEndingAt(at) == "void";
    if (at == 0 || text_[at - 1] != ':') return false;
    at = Before(at - 1);
    if (at == std::string::npos) return false;
  }
}

std::optional<CallText> SourceCode::OnlyCallIn(std::size_t open) const {
  static const std::regex call(R"(^\s*(?:return\b\s*)?(this\s*->\s*|(?:\w+\s*::\s*)*)(\w+)\s*\()");
  const auto begin = text_.begin() + static_cast<std::ptrdiff_t>(open) + 1;
  const auto end = text_.begin() + static_cast<std::ptrdiff_t>(partners_[open]);
  std::smatch found;
  if (!std::regex_search(begin, end, found, call)) return std::nullopt;
  const std::size_t arguments = open + static_cast<std::size_t>(found.length());
  const std::size_t close = partners_[arguments];
  if (close == std::string::npos) return std::nullopt;
  const std::size_t semicolon = Behind(close);
  if (semicolon == std::string::npos || text_[semicolon] != ';') return std::nullopt;
  if (Behind(semicolon) != partners_[open]) return std::nullopt;
  CallText told{found[1].str(), found[2].str(), ArgumentsIn(arguments)};
  std::erase_if(told.qualifier, [](unsigned char c) { return std::isspace(c); });
  return told;
}

std::optional<CallText> SourceCode::OnlyCallHandedTo(std::string_view starter,
                                                     std::size_t line) const {
  const auto at = CallOf(starter, line);
  if (!at.has_value()) return std::nullopt;
  const std::size_t call = *at + starter.size();
  const std::size_t end = partners_[call];
  if (end == std::string::npos) return std::nullopt;
  // The last argument is what the task does: a lambda, or a function by its name.
  std::size_t last = call;
  for (std::size_t i = call + 1; i < end; ++i) {
    if (partners_[i] != std::string::npos && partners_[i] > i) i = partners_[i];
    if (text_[i] == ',') last = i;
  }
  const std::size_t begin = Behind(last);
  if (begin == std::string::npos || begin >= end) return std::nullopt;
  if (text_[begin] == '[') {
    std::size_t open = partners_[begin];
    // Behind its parameters, what is said of it, and what it returns.
    while (open != std::string::npos && open < end && text_[open] != '{') {
      open = text_[open] == '(' ? partners_[open] : open;
      if (open != std::string::npos) open = Behind(open);
    }
    if (open == std::string::npos || open >= end || partners_[open] == std::string::npos)
      return std::nullopt;
    if (Behind(partners_[open]) != end) return std::nullopt;
    return OnlyCallIn(open);
  }
  static const std::regex name(R"(^&?\s*((?:\w+::)*)(\w+)\s*$)");
  std::smatch found;
  const std::string handed = text_.substr(begin, end - begin);
  if (!std::regex_match(handed, found, name)) return std::nullopt;
  return CallText{found[1].str(), found[2].str(), 0};
}

bool SourceCode::CallsItself(const FunctionText& function) const {
  const std::regex call("\\b" + function.name + "\\s*\\(");
  const auto begin = text_.begin() + static_cast<std::ptrdiff_t>(function.open);
  const auto end = text_.begin() + static_cast<std::ptrdiff_t>(function.close);
  return std::regex_search(begin, end, call);
}

}  // namespace stranded::detector
