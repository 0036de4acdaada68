#include <sstream>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "detector/report/small_file.h"
#include "stranded/gate.h"

namespace stranded {
namespace {

// key=value or key="value with spaces"; false at a word without '='.
bool NextPair(const std::string& line, std::size_t& at, std::string& key, std::string& value) {
  const std::size_t eq = line.find('=', at);
  if (eq == std::string::npos) return false;
  key = line.substr(at, eq - at);
  at = eq + 1;
  const bool quoted = at < line.size() && line[at] == '"';
  std::size_t end = line.find(quoted ? '"' : ' ', quoted ? at + 1 : at);
  if (quoted && end == std::string::npos) return false;
  if (end == std::string::npos) end = line.size();
  value = quoted ? line.substr(at + 1, end - at - 1) : line.substr(at, end - at);
  at = line.find_first_not_of(' ', quoted ? end + 1 : end);
  if (at == std::string::npos) at = line.size();
  return key.find(' ') == std::string::npos;
}

absl::Status Set(Suppression& s, const std::string& key, const std::string& value) {
  std::string* const field = key == "rule"       ? &s.rule
                             : key == "function" ? &s.function
                             : key == "file"     ? &s.file
                             : key == "reason"   ? &s.reason
                                                 : nullptr;
  if (field == nullptr) {
    return absl::InvalidArgumentError(
        absl::StrCat("unknown key '", key, "'; accepted: rule, function, file, reason"));
  }
  // The line would match more than it seems to.
  if (value.empty()) return absl::InvalidArgumentError(absl::StrCat(key, "= has no value"));
  if (!field->empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat(key, "= stands twice; write a line for each of the two"));
  }
  *field = value;
  return absl::OkStatus();
}

absl::StatusOr<Suppression> ParseLine(const std::string& line) {
  Suppression s;
  std::size_t at = line.find_first_not_of(' ');
  while (at < line.size()) {
    std::string key, value;
    if (!NextPair(line, at, key, value)) {
      return absl::InvalidArgumentError("expected key=value or key=\"value\"");
    }
    if (absl::Status set = Set(s, key, value); !set.ok()) return set;
  }
  if (s.reason.empty()) return absl::InvalidArgumentError("a reason=\"...\" is needed");
  if (s.rule.empty() && s.function.empty() && s.file.empty()) {
    return absl::InvalidArgumentError("at least one of rule=, function=, file= is needed");
  }
  return s;
}

bool AnySite(const Finding& f, const std::string& glob, std::string SourceSite::*member) {
  for (const SourceSite* site :
       {&f.wait_site(), &f.spawn_site(), &f.channel_site(), &f.context_site()}) {
    if (!(site->*member).empty() && GlobMatches(glob, site->*member)) return true;
  }
  return false;
}

}  // namespace

bool GlobMatches(std::string_view glob, std::string_view text) {
  std::size_t g = 0, t = 0, star = std::string_view::npos, from = 0;
  while (t < text.size()) {
    if (g < glob.size() && glob[g] == '*') {
      star = g++;
      from = t;
    } else if (g < glob.size() && glob[g] == text[t]) {
      ++g;
      ++t;
    } else if (star != std::string_view::npos) {
      g = star + 1;
      t = ++from;
    } else {
      return false;
    }
  }
  while (g < glob.size() && glob[g] == '*') ++g;
  return g == glob.size();
}

bool Suppression::Matches(const Finding& finding) const {
  if (!rule.empty() && !GlobMatches(rule, finding.rule())) return false;
  if (!function.empty() && !AnySite(finding, function, &SourceSite::function)) return false;
  return file.empty() || AnySite(finding, file, &SourceSite::file);
}

absl::StatusOr<std::vector<Suppression>> ParseSuppressions(const std::string& text,
                                                           const std::string& source) {
  std::vector<Suppression> all;
  std::istringstream in(text);
  int number = 0;
  for (std::string line; std::getline(in, line);) {
    ++number;
    const std::size_t first = line.find_first_not_of(" \t\r");
    if (first == std::string::npos || line[first] == '#') continue;
    while (!line.empty() && (line.back() == '\r' || line.back() == ' ')) line.pop_back();
    absl::StatusOr<Suppression> parsed = ParseLine(line);
    if (!parsed.ok()) {
      return absl::InvalidArgumentError(
          absl::StrCat(source, ":", number, ": ", std::string(parsed.status().message())));
    }
    parsed->line = number;
    all.push_back(*std::move(parsed));
  }
  return all;
}

absl::StatusOr<std::vector<Suppression>> ReadSuppressions(const std::string& path) {
  auto text = detector::ReadSmallFile(path, "suppressions");
  if (!text.ok()) return text.status();
  return ParseSuppressions(*text, path);
}

namespace {

// Quotes end a value, so '*' stands for them.
std::string Glob(const std::string& text) { return absl::StrReplaceAll(text, {{"\"", "*"}}); }

}  // namespace

std::string SuppressionFor(const Finding& finding, const std::string& reason) {
  const SourceSite& site = finding.wait_site();
  const std::string base = site.file.substr(site.file.find_last_of('/') + 1);
  std::string line = absl::StrCat("rule=", finding.data().rule, " file=\"*", Glob(base), "\"");
  if (!site.function.empty()) absl::StrAppend(&line, " function=\"", Glob(site.function), "\"");
  return absl::StrCat(line, " reason=\"",
                      absl::StrReplaceAll(reason, {{"\"", "'"}, {"\n", " "}, {"\r", " "}}), "\"");
}

}  // namespace stranded
