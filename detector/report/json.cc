// The report for programs.
#include "detector/report/finding_json.h"
#include "stranded/report.h"

namespace stranded {

using detector::Json;

namespace {

Json SiteJson(const SourceSite& site) {
  if (!site.known()) return nullptr;
  return {{"file", site.file},
          {"line", site.line},
          {"column", site.column},
          {"function", site.function}};
}

Json ChannelJson(const ChannelFacts& c) {
  return {{"site", SiteJson(c.site)},
          {"element_type", c.elem_type},
          {"capacity", c.capacity},
          {"length", c.length},
          {"high_water", c.high_water},
          {"sends_started", c.sends_started},
          {"sends_completed", c.sends_completed},
          {"receives_started", c.recvs_started},
          {"receives_completed", c.recvs_completed},
          {"closed", c.closed},
          {"instances", c.instances}};
}

Json ContextJson(const ContextStep& c) {
  Json j = {{"kind", c.kind},
            {"site", SiteJson(c.site)},
            {"created_by", c.created_by},
            {"ended", c.ended}};
  if (c.deadline_ns != 0) j["deadline_ns"] = c.deadline_ns;
  if (!c.value.empty()) j["value"] = {{"key", c.key_type}, {"text", c.value}};
  if (c.ended) {
    j["end"] = {
        {"why", c.err},          {"cause", c.cause},         {"by", c.ended_by},
        {"at_ns", c.ended_ns},   {"ago_ns", c.ended_ago_ns}, {"site", SiteJson(c.ended_site)},
        {"began_here", c.origin}};
  }
  return j;
}

}  // namespace

namespace detector {

Json FixJson(const Fix& f) {
  Json j = {{"kind", FixKindName(f.kind)}, {"summary", f.summary},
            {"reason", f.reason},          {"site", SiteJson(f.site)},
            {"warnings", f.warnings},      {"verification", f.verification}};
  if (f.kind == FixKind::kRaiseCapacity) j["capacity"] = f.capacity;
  if (!f.diff.empty()) j["diff"] = f.diff;
  if (!f.patch.empty()) j["patch"] = f.patch;
  return j;
}

Json FindingJson(const FindingData& d) {
  Json j = {{"rule", d.rule},
            {"verdict", d.verdict},
            {"title", d.title},
            {"fingerprint", d.fingerprint},
            {"task_count", d.task_count},
            {"tasks", d.tasks},
            {"task_name", d.task_name},
            {"wait", d.wait},
            {"wait_site", SiteJson(d.wait_site)},
            {"spawn_site", SiteJson(d.spawn_site)},
            {"context_site", SiteJson(d.context_site)},
            {"age_ns", {{"min", d.min_age_ns}, {"max", d.max_age_ns}}}};
  if (d.has_channel) j["channel"] = ChannelJson(d.channel);
  if (d.sync_site.known()) j["sync_site"] = SiteJson(d.sync_site);
  Json contexts = Json::array(), ancestry = Json::array(), stack = Json::array(),
       fixes = Json::array();
  for (const ContextStep& c : d.contexts) contexts.push_back(ContextJson(c));
  for (const SpawnStep& s : d.ancestry) {
    ancestry.push_back({{"task", s.name}, {"site", SiteJson(s.site)}, {"elided", s.elided}});
  }
  for (const StackFrame& f : d.stack) {
    stack.push_back({{"function", f.function},
                     {"file", f.file},
                     {"line", f.line},
                     {"module", f.module},
                     {"runtime", f.runtime}});
  }
  for (const Fix& f : d.fixes) fixes.push_back(FixJson(f));
  j["contexts"] = contexts;
  j["ancestry"] = ancestry;
  j["peer"] = d.peer;
  j["waits"] = d.graph;
  j["notes"] = d.notes;
  j["stack"] = stack;
  j["fixes"] = fixes;
  if (d.candidates.empty()) return j;
  Json candidates = Json::array();
  for (const Fix& f : d.candidates) candidates.push_back(FixJson(f));
  j["candidates"] = candidates;
  return j;
}

}  // namespace detector

std::string_view FixKindName(FixKind kind) {
  switch (kind) {
    case FixKind::kRaiseCapacity: return "raise-capacity";
    case FixKind::kAddContextCase: return "add-context-case";
    case FixKind::kCloseChannel: return "close-channel";
    case FixKind::kCallCancel: return "call-cancel";
    case FixKind::kAddDone: return "add-done";
    case FixKind::kUnlock: return "unlock";
    case FixKind::kReleaseBeforeWait: return "release-before-wait";
    case FixKind::kLockOrder: return "lock-order";
    case FixKind::kMakeChannel: return "make-channel";
    case FixKind::kAddCase: return "add-case";
    case FixKind::kSignal: return "signal";
    case FixKind::kStopTask: return "stop-task";
  }
  return "";
}

std::string JsonReport(const Analysis& analysis) {
  const AnalysisSummary& s = analysis.summary;
  Json findings = Json::array();
  for (const Finding& f : analysis.findings) findings.push_back(detector::FindingJson(f.data()));
  const Json j = {{"format", "stranded-report"},
                  {"version", 1},
                  {"program", s.program},
                  {"snapshot",
                   {{"reason", s.reason},
                    {"label", s.label},
                    {"world", s.world},
                    {"quiet", s.quiet},
                    {"deadlock", s.deadlock}}},
                  {"counts",
                   {{"tasks", s.tasks},
                    {"blocked", s.blocked},
                    {"contexts", s.contexts},
                    {"channels", s.channels},
                    {"stranded", s.stranded},
                    {"expected", s.expected},
                    {"look_again", analysis.look_again}}},
                  {"missing", s.losses},
                  {"findings", findings}};
  // Names in a dump may hold any bytes; what is not UTF-8 is replaced.
  return j.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace stranded
