// SARIF 2.1.0, for GitHub code scanning and editors.
#include <algorithm>
#include <cctype>
#include <map>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "detector/fixes/source_edit.h"
#include "detector/go/waits.h"
#include "detector/report/line_hash.h"
#include "detector/report/outcome.h"
#include "detector/report/portable.h"
#include "detector/report/sarif_fix.h"
#include "stranded/report.h"

namespace stranded {

using detector::Json;

namespace {

// Of the standard libraries, whose files are not below the root of the sources.
bool InLibrary(const SourceSite& site) {
  return site.in_library() ||
         (absl::EndsWith(site.file, ".go") && detector::IsStandardLibrary(site.function));
}

Json Place(const SourceSite& site, std::uint32_t column) {
  const std::uint32_t line = site.line;
  Json region = {{"startLine", line}};
  if (column != 0) {
    // All four, as GitHub wants them; an end at the start marks the place.
    region["startColumn"] = column;
    region["endLine"] = line;
    region["endColumn"] = column;
  }
  Json artifact = detector::ArtifactOf(site.file);
  if (InLibrary(site)) artifact.erase("uriBaseId");
  return {{"physicalLocation", {{"artifactLocation", artifact}, {"region", region}}}};
}

Json Location(const SourceSite& site, const std::string& message) {
  Json j = Place(site, site.column);
  if (!site.function.empty()) {
    j["logicalLocations"] =
        Json::array({Json::object({{"fullyQualifiedName", site.function}, {"kind", "function"}})});
  }
  if (!message.empty()) j["message"] = {{"text", message}};
  return j;
}

// [ and ] of the text are no link.
std::string Plain(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == '[' || c == ']' || c == '\\') out += '\\';
    out += c;
  }
  return out;
}

Json Related(const FindingData& d) {
  Json out = Json::array();
  const auto add = [&](const SourceSite& site, const std::string& message) {
    if (!site.known()) return;
    Json j = {{"id", out.size() + 1}};
    j.update(Location(site, message));
    out.push_back(j);
  };
  if (d.has_channel) add(d.channel.site, "channel made here");
  add(d.sync_site, "made here");
  add(d.context_site, "context made here");
  add(d.spawn_site, "task spawned here");
  return out;
}

Json Step(const SourceSite& site, const std::string& text, const char* kind, std::size_t order) {
  return {{"location", Location(site, text)},
          {"executionOrder", order},
          {"importance", "essential"},
          {"kinds", Json::array({kind})}};
}

// spawn -> cancel -> block
Json CodeFlows(const FindingData& d) {
  Json steps = Json::array();
  const auto add = [&](const SourceSite& site, const std::string& text, const char* kind) {
    if (site.known()) steps.push_back(Step(site, text, kind, steps.size() + 1));
  };
  add(d.spawn_site, absl::StrCat(d.task_name.empty() ? "the task" : d.task_name, " is spawned"),
      "call");
  const auto ended = std::find_if(d.contexts.begin(), d.contexts.end(),
                                  [](const ContextStep& c) { return c.ended && c.origin; });
  if (ended != d.contexts.end()) {
    const std::string by = ended->ended_by.empty() ? "" : absl::StrCat(", by ", ended->ended_by);
    add(ended->ended_site.known() ? ended->ended_site : ended->site,
        absl::StrCat("the context ends: ", ended->err, by), "cancel");
  }
  const char* const how = d.verdict == "proven" ? "blocked for good: " : "blocked: ";
  add(d.wait_site, detector::NamesStrandedTasks(d.rule) ? absl::StrCat(how, d.wait) : d.title,
      "block");
  if (steps.empty()) return Json::array();
  Json flow = {{"locations", steps}};
  if (!d.tasks.empty()) flow["id"] = absl::StrCat("task ", d.tasks[0]);
  return Json::array({Json::object({{"threadFlows", Json::array({flow})}})});
}

Json Stacks(const FindingData& d) {
  Json frames = Json::array();
  for (const StackFrame& f : d.stack) {
    if (f.runtime || f.library || f.function.empty()) continue;
    Json location = f.line == 0 ? Json::object() : Place({f.file, f.function, f.line, 0}, 0);
    location["logicalLocations"] =
        Json::array({Json::object({{"fullyQualifiedName", f.function}, {"kind", "function"}})});
    frames.push_back({{"location", location}});
    if (!f.module.empty()) frames.back()["module"] = f.module;
  }
  if (frames.empty()) return Json::array();
  return Json::array(
      {Json::object({{"message", {{"text", "stack of the blocked task"}}}, {"frames", frames}})});
}

Json Fixes(const FindingData& d) {
  Json out = Json::array();
  for (const Fix& fix : d.fixes) {
    if (fix.diff.empty()) continue;  // not certain: it stands in the message
    Json changes = detector::ArtifactChanges(fix.diff);
    if (changes.empty()) continue;
    out.push_back({{"description", {{"text", absl::StrCat(fix.summary, " ", fix.reason)}}},
                   {"artifactChanges", changes}});
  }
  return out;
}

std::string Message(const FindingData& d, const Json& related) {
  std::string text = absl::StrCat(Plain(d.title), ".");
  for (const Json& r : related) {
    absl::StrAppend(&text, " [", r["message"]["text"].get<std::string>(), "](",
                    r["id"].get<std::size_t>(), ").");
  }
  for (const std::string& line : d.peer) absl::StrAppend(&text, "\n", Plain(line));
  for (const std::string& line : d.graph) absl::StrAppend(&text, "\n", Plain(line));
  for (const Fix& fix : d.fixes) {
    absl::StrAppend(&text, &fix == &d.fixes.front() ? "\nFix: " : "\nOr: ", Plain(fix.summary), " ",
                    Plain(fix.reason), " (", fix.verification, ")");
  }
  return text;
}

// Of the source line where it can be read, else of our own fingerprint, which has no line either.
std::string LineFingerprint(const FindingData& d, const SourceSite& original,
                            const std::string& root) {
  if (original.known()) {
    if (const auto source = detector::FindSource(original.file, root)) {
      const std::string text =
          absl::StrCat(absl::StrJoin(source->lines, "\n"), source->ends_with_newline ? "\n" : "");
      if (std::string hash = detector::LineHash(text, original.line); !hash.empty()) return hash;
    }
  }
  const std::size_t colon = d.fingerprint.rfind(':');
  return absl::StrCat(colon == std::string::npos ? d.fingerprint : d.fingerprint.substr(colon + 1),
                      ":1");
}

Json Result(const FindingData& d, const std::string& line_hash) {
  const Json related = Related(d);
  Json j = {{"ruleId", d.rule},
            {"level", detector::IsError(d) ? "error" : "warning"},
            {"message", {{"text", Message(d, related)}}}};
  Json locations = Json::array();
  if (const SourceSite& site = detector::MainSite(d); site.known())
    locations.push_back(Location(site, ""));
  j["locations"] = locations;
  j["partialFingerprints"] = {{"primaryLocationLineHash", line_hash},
                              {"strandedFinding/v1", d.fingerprint}};
  if (d.task_count > 0) j["occurrenceCount"] = d.task_count;
  const auto put = [&](const char* name, const Json& value) {
    if (!value.empty()) j[name] = value;
  };
  put("relatedLocations", related);
  put("codeFlows", CodeFlows(d));
  put("stacks", Stacks(d));
  put("fixes", Fixes(d));
  j["properties"] = {{"verdict", d.verdict}, {"taskIds", d.tasks}, {"blockedForNs", d.max_age_ns}};
  if (!d.contexts.empty()) j["properties"]["context"] = detector::ContextName(d);
  return j;
}

// cancelled-send -> CancelledSend
std::string RuleName(std::string_view id) {
  std::string out;
  bool upper = true;
  for (const char c : id) {
    if (c != '-') out += upper ? static_cast<char>(std::toupper(c)) : c;
    upper = c == '-';
  }
  return out;
}

Json Rules() {
  Json rules = Json::array();
  for (const RuleText& rule : RuleCatalogue()) {
    rules.push_back(
        Json::object({{"id", rule.id},
                      {"name", RuleName(rule.id)},
                      {"shortDescription", {{"text", rule.finds}}},
                      {"fullDescription", {{"text", std::string(rule.explain).substr(0, 1024)}}},
                      {"help", {{"text", rule.explain}}},
                      {"properties",
                       {{"tags", Json::array({"concurrency", "reliability"})},
                        {"precision", "high"},
                        {"problem.severity", "error"}}}}));
  }
  return rules;
}

Json Invocation(const AnalysisSummary& summary) {
  Json j = {{"executionSuccessful", !summary.partly_lost}};
  Json notes = Json::array();
  for (const std::string& loss : summary.losses) {
    notes.push_back(
        {{"level", summary.partly_lost ? "error" : "warning"}, {"message", {{"text", loss}}}});
  }
  if (!notes.empty()) j["toolExecutionNotifications"] = notes;
  return j;
}

}  // namespace

std::string SarifReport(const Analysis& analysis, const std::string& source_root) {
  const std::vector<FindingData> findings = detector::PortableFindings(analysis);
  Json results = Json::array();
  for (std::size_t i = 0; i < findings.size(); ++i) {
    const SourceSite& original = detector::MainSite(analysis.findings[i].data());
    results.push_back(Result(findings[i], LineFingerprint(findings[i], original, source_root)));
  }
  const Json run = {{"tool", {{"driver", {{"name", "stranded"}, {"rules", Rules()}}}}},
                    {"invocations", Json::array({Invocation(analysis.summary)})},
                    {"originalUriBaseIds",
                     {{"%SRCROOT%", {{"description", {{"text", "the root of the sources"}}}}}}},
                    {"columnKind", "utf16CodeUnits"},
                    {"results", results}};
  const Json log = {{"$schema", "https://json.schemastore.org/sarif-2.1.0.json"},
                    {"version", "2.1.0"},
                    {"runs", Json::array({run})}};
  return log.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace stranded
