#include "detector/fixes/source_edit.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <regex>

#include "absl/strings/str_cat.h"
#include "detector/fixes/function_text.h"

namespace stranded::detector {
namespace fs = std::filesystem;

fs::path ProjectOf(const fs::path& file) {
  std::error_code error;
  fs::path top;
  for (fs::path at = file.parent_path(); at.has_relative_path(); at = at.parent_path()) {
    if (fs::exists(at / ".git", error)) return at;
    if (fs::exists(at / "CMakeLists.txt", error)) top = at;
  }
  return top;
}

namespace {

constexpr std::uintmax_t kLargest = 8 << 20;
constexpr std::size_t kContextLines = 3;

bool Below(const fs::path& relative) { return !relative.empty() && *relative.begin() != ".."; }

// The path for the diff: as seen from the root, or else from the file's own project.
std::string ShownPath(const fs::path& file, const fs::path& root) {
  std::error_code error;
  const fs::path relative = fs::relative(file, root, error);
  if (!error && Below(relative)) return relative.generic_string();
  const fs::path whole = fs::weakly_canonical(file, error);
  const fs::path project = ProjectOf(whole);
  if (!project.empty()) return whole.lexically_relative(project).generic_string();
  return whole.relative_path().generic_string();
}

// Behind the '>' that closes the '<' at `open`; npos if it does not.
std::size_t BehindAngles(const std::string& line, std::size_t open) {
  int depth = 0;
  for (std::size_t i = open; i < line.size(); ++i) {
    if (line[i] == '<') ++depth;
    if (line[i] == '>' && --depth == 0) return i + 1;
    if (line[i] == ';' || line[i] == '{') return std::string::npos;
  }
  return std::string::npos;
}

bool IsWord(char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '_'; }

std::size_t SkipSpace(const std::string& line, std::size_t i) {
  while (i < line.size() && line[i] == ' ') ++i;
  return i;
}

bool HasSeveralArguments(const std::string& text) {
  int depth = 0;
  for (const char c : text) {
    if (c == '(' || c == '{' || c == '[') ++depth;
    if (c == ')' || c == '}' || c == ']') --depth;
    if (c == ',' && depth == 0) return true;
  }
  return false;
}

// Puts the capacity where an initialiser stands or may stand at `i`.
std::optional<std::string> Initialise(const std::string& line, std::size_t i, bool declared,
                                      const std::string& capacity) {
  if (i < line.size() && (line[i] == '(' || line[i] == '{')) {
    const char close = line[i] == '(' ? ')' : '}';
    const std::size_t end = line.find(close, i);
    if (end == std::string::npos) return std::nullopt;
    const std::string inside = line.substr(i + 1, end - i - 1);
    const bool number = inside.find_first_not_of(" 0123456789") == std::string::npos;
    if (!number) return std::nullopt;
    // Of several declared in one line it may be another one.
    const std::size_t next = SkipSpace(line, end + 1);
    if (declared && next < line.size() && line[next] == ',') return std::nullopt;
    return absl::StrCat(line.substr(0, i), "(", capacity, ")", line.substr(end + 1));
  }
  if (declared && i < line.size() && line[i] == ';') {
    return absl::StrCat(line.substr(0, i), "(", capacity, ")", line.substr(i));
  }
  return std::nullopt;
}

}  // namespace

std::optional<SourceFile> FindSource(const std::string& file, const std::string& root) {
  if (file.empty()) return std::nullopt;
  std::error_code error;
  fs::path path(file);
  if (path.is_relative()) path = fs::path(root) / path;
  if (!fs::is_regular_file(path, error) || fs::file_size(path, error) > kLargest) {
    return std::nullopt;
  }
  std::ifstream in(path);
  SourceFile source;
  source.shown = ShownPath(path, root);
  for (std::string line; std::getline(in, line);) {
    source.lines.push_back(line);
    source.ends_with_newline = !in.eof();
  }
  return source;
}

std::string DiffOfLine(const SourceFile& file, std::size_t number, const std::string& edited) {
  if (file.lines[number - 1] == edited) return "";
  const std::size_t first = number > kContextLines ? number - kContextLines : 1;
  const std::size_t last = std::min(file.lines.size(), number + kContextLines);
  const std::string range = absl::StrCat(first, ",", last - first + 1);
  std::string diff = absl::StrCat("--- a/", file.shown, "\n+++ b/", file.shown, "\n@@ -", range,
                                  " +", range, " @@\n");
  for (std::size_t i = first; i <= last; ++i) {
    const std::string& line = file.lines[i - 1];
    const bool open_end = i == file.lines.size() && !file.ends_with_newline;
    const char* end = open_end ? "\n\\ No newline at end of file\n" : "\n";
    if (i == number) {
      absl::StrAppend(&diff, "-", line, end, "+", edited, end);
    } else {
      absl::StrAppend(&diff, " ", line, end);
    }
  }
  return diff;
}

std::optional<std::string> WithCapacity(const std::string& line, std::int64_t capacity) {
  const std::size_t at = line.find("Chan<");
  if (at == std::string::npos || line.find("Chan<", at + 1) != std::string::npos) {
    return std::nullopt;
  }
  if (at > 0 && IsWord(line[at - 1])) return std::nullopt;
  std::size_t i = BehindAngles(line, at + 4);
  if (i == std::string::npos) return std::nullopt;
  const std::string number = std::to_string(capacity);
  if (i < line.size() && line[i] == '>') {
    // Other templates give their own meaning to what stands in the parentheses.
    const std::string_view before = std::string_view(line).substr(0, at);
    for (const std::string_view maker : {"make_shared<", "make_unique<"}) {
      const std::size_t made = before.rfind(maker);
      if (made == std::string_view::npos) continue;
      const std::string_view between = before.substr(made + maker.size());
      if (between.empty() || between == "stranded::") {
        return Initialise(line, i + 1, false, number);
      }
    }
    return std::nullopt;
  }
  const std::size_t name = SkipSpace(line, i);
  std::size_t behind = name;
  while (behind < line.size() && IsWord(line[behind])) ++behind;
  // A member's own initialiser may not stand in parentheses; the name is all there is to tell by.
  const bool member = behind > name && line[behind - 1] == '_';
  if (member) return std::nullopt;
  return Initialise(line, SkipSpace(line, behind), behind > name, number);
}

bool MakesSeveral(const std::string& line) {
  const std::size_t at = line.find("Chan<");
  const std::size_t end = at == std::string::npos ? at : BehindAngles(line, at + 4);
  if (end == std::string::npos) return false;
  if (line.find("Chan<", end) != std::string::npos) return true;
  std::size_t i = SkipSpace(line, end);
  if (i == line.size() || !IsWord(line[i])) return false;
  while (i < line.size() && IsWord(line[i])) ++i;
  if (i < line.size() && (line[i] == '(' || line[i] == '{')) {
    i = line.find(line[i] == '(' ? ')' : '}', i);
    if (i++ == std::string::npos) return false;
  }
  i = SkipSpace(line, i);
  return i < line.size() && line[i] == ',';
}

namespace {

// A line that is one send of one value: with several arguments it may listen to another context
// already.
struct PlainSend {
  std::string indent, channel, value;
  std::string WithContext() const {
    return absl::StrCat(channel, ".Send(stranded::this_task::GetContext(), ", value, ")");
  }
};
// `1); }` of a lambda that ends on the same line is none.
bool IsOneExpression(const std::string& text) {
  int depth = 0;
  char quote = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quote != 0) {
      if (c == '\\') ++i;
      if (c == quote) quote = 0;
      continue;
    }
    if (c == '"' || c == '\'') quote = c;
    if (c == '(' || c == '[' || c == '{') ++depth;
    if (c == ')' || c == ']' || c == '}') --depth;
    if (depth < 0 || (c == ';' && depth == 0)) return false;
  }
  return depth == 0 && quote == 0;
}

std::optional<PlainSend> FindPlainSend(const std::vector<std::string>& lines, std::size_t number) {
  if (number == 0 || number > lines.size()) return std::nullopt;
  static const std::regex statement(R"(^(\s*)([\w.\->\[\]]+)\.Send\((.*)\);\s*$)");
  std::smatch match;
  if (!std::regex_match(lines[number - 1], match, statement)) return std::nullopt;
  if (HasSeveralArguments(match[3].str()) || !IsOneExpression(match[3].str())) return std::nullopt;
  const SourceCode code(lines);
  const auto first = static_cast<std::size_t>(match.position(2));
  if (!code.BeginsStatement(code.BeginOf(number) + first)) return std::nullopt;
  return PlainSend{match[1].str(), match[2].str(), match[3].str()};
}

}  // namespace

std::optional<std::string> WithContextSkip(const std::vector<std::string>& lines,
                                           std::size_t number) {
  const auto send = FindPlainSend(lines, number);
  if (!send.has_value()) return std::nullopt;
  return absl::StrCat(send->indent, send->WithContext(), ".IgnoreError();");
}

std::optional<std::string> WithContextSend(const std::vector<std::string>& lines,
                                           std::size_t number) {
  const auto send = FindPlainSend(lines, number);
  if (!send.has_value()) return std::nullopt;
  const SourceCode code(lines);
  const auto at = code.CallOf("Send", number);
  const auto function = at.has_value() ? code.FunctionAt(*at) : std::nullopt;
  // An `else` behind it would become that of the new `if`.
  if (!function.has_value() || !function->plain_return || code.ElseFollows(number)) {
    return std::nullopt;
  }
  return absl::StrCat(send->indent, "if (!", send->WithContext(), ".ok()) return;");
}

}  // namespace stranded::detector
