#include "stranded/explore_json.h"

#include "absl/strings/str_cat.h"
#include "detector/report/finding_json.h"

namespace stranded::detector {
namespace {

Json OutcomeJson(const ExploreOutcome& o) {
  Json findings = Json::array();
  for (const Finding& f : o.report.findings()) findings.push_back(FindingJson(f.data()));
  return {{"count", o.count},
          {"first", o.first},
          {"seed", o.seed},
          {"schedule", o.schedule},
          {"deadlock", o.deadlock},
          {"cut", o.cut},
          {"delay_ns", o.delay_ns},
          {"failure", o.failure},
          {"exceptions", o.exceptions},
          {"stranded", o.report.analysis().summary.stranded},
          {"findings", findings}};
}

// Values of the wrong type throw; the caller turns that into a status.
SourceSite SiteFrom(const Json& j) {
  SourceSite site;
  if (!j.is_object()) return site;
  site.file = j.value("file", "");
  site.function = j.value("function", "");
  site.line = j.value("line", 0U);
  site.column = j.value("column", 0U);
  return site;
}

SourceSite SiteAt(const Json& j, const char* key) { return SiteFrom(j.value(key, Json())); }

ChannelFacts ChannelFrom(const Json& j) {
  ChannelFacts c;
  c.site = SiteAt(j, "site");
  c.elem_type = j.value("element_type", "");
  c.capacity = j.value("capacity", c.capacity);
  c.length = j.value("length", c.length);
  c.high_water = j.value("high_water", c.high_water);
  c.sends_started = j.value("sends_started", c.sends_started);
  c.sends_completed = j.value("sends_completed", c.sends_completed);
  c.recvs_started = j.value("receives_started", c.recvs_started);
  c.recvs_completed = j.value("receives_completed", c.recvs_completed);
  c.closed = j.value("closed", false);
  c.instances = j.value("instances", c.instances);
  return c;
}

ContextStep ContextFrom(const Json& j) {
  ContextStep c;
  c.kind = j.value("kind", "");
  c.site = SiteAt(j, "site");
  c.created_by = j.value("created_by", "");
  c.ended = j.value("ended", false);
  c.deadline_ns = j.value("deadline_ns", c.deadline_ns);
  if (const Json value = j.value("value", Json()); value.is_object()) {
    c.key_type = value.value("key", "");
    c.value = value.value("text", "");
  }
  if (const Json end = j.value("end", Json()); end.is_object()) {
    c.err = end.value("why", "");
    c.cause = end.value("cause", "");
    c.ended_by = end.value("by", "");
    c.ended_ns = end.value("at_ns", c.ended_ns);
    c.ended_ago_ns = end.value("ago_ns", c.ended_ago_ns);
    c.ended_site = SiteAt(end, "site");
    c.origin = end.value("began_here", false);
  }
  return c;
}

StackFrame FrameFrom(const Json& j) {
  StackFrame f;
  f.function = j.value("function", "");
  f.file = j.value("file", "");
  f.line = j.value("line", 0U);
  f.module = j.value("module", "");
  f.runtime = j.value("runtime", false);
  return f;
}

FixKind KindFrom(const std::string& name) {
  for (int i = 0; i <= static_cast<int>(FixKind::kStopTask); ++i) {
    if (FixKindName(static_cast<FixKind>(i)) == name) return static_cast<FixKind>(i);
  }
  return FixKind::kStopTask;
}

Fix FixFrom(const Json& j) {
  Fix fix;
  fix.kind = KindFrom(j.value("kind", ""));
  fix.summary = j.value("summary", "");
  fix.reason = j.value("reason", "");
  fix.site = SiteAt(j, "site");
  fix.capacity = j.value("capacity", std::int64_t{0});
  fix.diff = j.value("diff", "");
  fix.verification = j.value("verification", fix.verification);
  fix.patch = j.value("patch", "");
  fix.warnings = j.value("warnings", std::vector<std::string>());
  return fix;
}

Finding FindingFrom(const Json& j) {
  FindingData data;
  data.rule = j.value("rule", "");
  data.verdict = j.value("verdict", "");
  data.title = j.value("title", "");
  data.fingerprint = j.value("fingerprint", "");
  data.task_count = j.value("task_count", std::size_t{0});
  data.tasks = j.value("tasks", data.tasks);
  data.task_name = j.value("task_name", "");
  data.wait = j.value("wait", "");
  data.wait_site = SiteAt(j, "wait_site");
  data.spawn_site = SiteAt(j, "spawn_site");
  data.context_site = SiteAt(j, "context_site");
  data.sync_site = SiteAt(j, "sync_site");
  if (const Json age = j.value("age_ns", Json()); age.is_object()) {
    data.min_age_ns = age.value("min", data.min_age_ns);
    data.max_age_ns = age.value("max", data.max_age_ns);
  }
  const Json channel = j.value("channel", Json());
  data.has_channel = channel.is_object();
  if (data.has_channel) data.channel = ChannelFrom(channel);
  for (const Json& c : j.value("contexts", Json::array())) data.contexts.push_back(ContextFrom(c));
  for (const Json& s : j.value("ancestry", Json::array())) {
    data.ancestry.push_back({0, s.value("task", ""), SiteAt(s, "site"), s.value("elided", 0U)});
  }
  data.peer = j.value("peer", data.peer);
  data.graph = j.value("waits", data.graph);
  data.notes = j.value("notes", data.notes);
  for (const Json& f : j.value("stack", Json::array())) data.stack.push_back(FrameFrom(f));
  for (const Json& fix : j.value("fixes", Json::array())) data.fixes.push_back(FixFrom(fix));
  for (const Json& fix : j.value("candidates", Json::array())) {
    data.candidates.push_back(FixFrom(fix));
  }
  return Finding(std::move(data));
}

ExploreOutcome OutcomeFrom(const Json& j) {
  ExploreOutcome o;
  o.count = j.value("count", std::size_t{0});
  o.first = j.value("first", 0);
  o.seed = j.value("seed", std::uint64_t{0});
  o.schedule = j.value("schedule", "");
  o.deadlock = j.value("deadlock", false);
  o.cut = j.value("cut", false);
  o.delay_ns = j.value("delay_ns", std::int64_t{0});
  o.failure = j.value("failure", "");
  o.exceptions = j.value("exceptions", std::vector<std::string>());
  Analysis analysis;
  analysis.summary.stranded = j.value("stranded", std::size_t{0});
  for (const Json& f : j.value("findings", Json::array())) {
    analysis.findings.push_back(FindingFrom(f));
  }
  o.report = LeakReport(std::move(analysis));
  return o;
}

ExploreResult ResultFrom(const Json& j) {
  ExploreResult r;
  r.name = j.value("name", "");
  r.is_test = j.value("is_test", false);
  r.policy = j.value("policy", "");
  r.patch = j.value("patch", "");
  r.coverage = j.value("coverage", "");
  r.schedules = j.value("schedules", 0);
  r.first_seed = j.value("first_seed", std::uint64_t{0});
  r.seconds = j.value("seconds", 0.0);
  r.out_of_time = j.value("out_of_time", false);
  r.schedule = j.value("schedule", "");
  r.changes = j.value("changes", std::size_t{0});
  r.preemptions = j.value("preemptions", std::size_t{0});
  r.repeats = j.value("repeats", true);
  r.idle_patches = j.value("idle_patches", std::vector<std::string>());
  for (const Json& close : j.value("second_closes", Json::array())) {
    r.second_closes.push_back({close.value("patch", ""), SiteAt(close, "site")});
  }
  r.report_text = j.value("report", "");
  for (const Json& o : j.value("outcomes", Json::array())) r.outcomes.push_back(OutcomeFrom(o));
  const int bad = j.value("first_bad", -1);
  if (bad >= 0 && bad < static_cast<int>(r.outcomes.size())) r.first_bad = bad;
  for (const Json& s : j.value("steps", Json::array())) {
    r.steps.push_back({s.value("task", ""), s.value("operation", ""), SiteAt(s, "site"),
                       s.value("preempts", false), s.value("source", ""), s.value("number", -1)});
  }
  r.source_root = j.value("source_root", "");
  if (const std::string error = j.value("error", ""); !error.empty()) {
    r.error = absl::InvalidArgumentError(error);
  }
  return r;
}

// As the program that explored itself made it: what came from there does not have all that it says.
std::string ReportText(const ExploreResult& r) {
  if (!r.report_text.empty()) return r.report_text;
  return r.clean() || r.bad()->report.clean() ? "" : r.bad()->report.ToText();
}

}  // namespace

std::string ExploreJson(const ExploreResult& r) {
  Json outcomes = Json::array(), steps = Json::array(), second_closes = Json::array();
  for (const ExploreOutcome& o : r.outcomes) outcomes.push_back(OutcomeJson(o));
  for (const ExploreStep& s : r.steps) {
    steps.push_back({{"task", s.task},
                     {"number", s.number},
                     {"operation", s.operation},
                     {"site", {{"file", s.site.file}, {"line", s.site.line}}},
                     {"preempts", s.preempts},
                     {"source", s.source}});
  }
  for (const SecondCloseAt& c : r.second_closes) {
    second_closes.push_back(
        {{"patch", c.patch}, {"site", {{"file", c.site.file}, {"line", c.site.line}}}});
  }
  const Json j = {{"format", "stranded-exploration"},
                  {"version", 1},
                  {"name", r.name},
                  {"is_test", r.is_test},
                  {"policy", r.policy},
                  {"patch", r.patch},
                  {"schedules", r.schedules},
                  {"first_seed", r.first_seed},
                  {"seconds", r.seconds},
                  {"out_of_time", r.out_of_time},
                  {"coverage", r.coverage},
                  {"error", std::string(r.error.message())},
                  {"outcomes", outcomes},
                  {"first_bad", r.first_bad},
                  {"schedule", r.schedule},
                  {"changes", r.changes},
                  {"preemptions", r.preemptions},
                  {"repeats", r.repeats},
                  {"idle_patches", r.idle_patches},
                  {"second_closes", second_closes},
                  {"report", ReportText(r)},
                  {"steps", steps}};
  return j.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

absl::StatusOr<ExploreResult> ParseExploreJson(std::string_view line) {
  try {
    const Json j = Json::parse(line);
    if (j.value("format", "") != "stranded-exploration") {
      return absl::InvalidArgumentError("this is not the result of an exploration");
    }
    return ResultFrom(j);
  } catch (const Json::exception& e) {
    return absl::InvalidArgumentError(absl::StrCat("not the result of an exploration: ", e.what()));
  }
}

}  // namespace stranded::detector
