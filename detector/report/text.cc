// The report for people.
#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "detector/report/outcome.h"
#include "detector/rules/rule.h"
#include "stranded/report.h"

namespace stranded {
namespace {

constexpr std::size_t kMostFrames = 12;

class Paint {
 public:
  explicit Paint(bool on) : on_(on) {}
  std::string Bold(const std::string& s) const { return Wrap("1", s); }
  std::string Red(const std::string& s) const { return Wrap("1;31", s); }
  std::string Green(const std::string& s) const { return Wrap("32", s); }
  std::string Dim(const std::string& s) const { return Wrap("2", s); }

 private:
  std::string Wrap(const char* code, const std::string& s) const {
    return on_ ? absl::StrCat("\033[", code, "m", s, "\033[0m") : s;
  }
  bool on_;
};

// "  label     text", with the following lines below the text.
void Row(std::string& out, const std::string& label, const std::string& text) {
  absl::StrAppend(&out, "   ", label, std::string(label.size() < 10 ? 10 - label.size() : 1, ' '),
                  text, "\n");
}

std::string In(const SourceSite& site) {
  if (site.function.empty()) return "";
  return absl::StrCat(" in ", detector::WithoutInlineNamespaces(site.function));
}

std::string Ages(const FindingData& d) {
  if (d.max_age_ns == 0) return "";
  const std::string least = detector::Span(d.min_age_ns), most = detector::Span(d.max_age_ns);
  return least == most ? absl::StrCat(", for ", most) : absl::StrCat(", for ", least, " to ", most);
}

std::string ChannelLine(const ChannelFacts& c) {
  std::string by =
      c.site.in_library() && !c.created_by.empty() ? absl::StrCat(" by ", c.created_by) : "";
  if (const std::string_view made = c.site.ConstructorOf(); !made.empty()) {
    absl::StrAppend(&by, " (a member of ", std::string(made), ", or in its constructor)");
  }
  std::string line = absl::StrCat("made at ", c.site.ToString(), by, ": Chan<", c.elem_type,
                                  ">, capacity ", c.capacity);
  if (c.capacity > 0) absl::StrAppend(&line, " (", c.length, " in it)");
  absl::StrAppend(&line, "; ", detector::Operations(c.sends_started, c.sends_completed, "send"),
                  "; ", detector::Operations(c.recvs_started, c.recvs_completed, "receive"));
  if (c.closed) absl::StrAppend(&line, "; closed");
  if (c.instances > 1) absl::StrAppend(&line, "; one of ", c.instances, " made there");
  return line;
}

std::string ContextLine(const ContextStep& c) {
  std::string line = c.kind;
  if (c.site.known()) absl::StrAppend(&line, " at ", c.site.ToString());
  if (!c.value.empty()) absl::StrAppend(&line, ": ", c.key_type, " = ", c.value);
  if (!c.ended) return line;
  absl::StrAppend(&line, ": ", c.err, " ", detector::Ago(c.ended_ago_ns));
  if (!c.origin) {
    absl::StrAppend(&line, ", with the context above");
  } else {
    absl::StrAppend(&line, ", by ", c.ended_by);
    if (c.ended_site.known()) absl::StrAppend(&line, " at ", c.ended_site.ToString());
  }
  if (!c.cause.empty()) absl::StrAppend(&line, "; cause: ", c.cause);
  return line;
}

void AddSpawn(std::string& out, const FindingData& d) {
  for (std::size_t i = 0; i < d.ancestry.size(); ++i) {
    const SpawnStep& step = d.ancestry[i];
    if (!step.site.known()) continue;  // main, or an adopted thread
    const std::string by =
        i + 1 < d.ancestry.size() ? absl::StrCat(" by ", d.ancestry[i + 1].name) : "";
    Row(out, i == 0 ? "spawned" : "", absl::StrCat("at ", step.site.ToString(), In(step.site), by));
    if (step.elided > 0) Row(out, "", absl::StrCat("(", step.elided, " generations left out)"));
  }
}

void AddContexts(std::string& out, const FindingData& d) {
  if (d.contexts.size() == 1 && !d.contexts[0].ended) return;  // only Background
  for (std::size_t i = 0; i < d.contexts.size(); ++i) {
    Row(out, i == 0 ? "context" : "", ContextLine(d.contexts[i]));
  }
}

void AddStack(std::string& out, const FindingData& d, const Paint& paint) {
  if (d.stack.empty()) return;
  std::size_t shown = 0;
  for (const StackFrame& f : d.stack) {
    if (f.runtime || f.library || f.function.empty()) continue;
    if (++shown > kMostFrames) break;
    std::string line = f.function;
    if (f.line != 0) absl::StrAppend(&line, paint.Dim(absl::StrCat("  ", f.file, ":", f.line)));
    Row(out, shown == 1 ? "stack" : "", line);
  }
}

void AddFix(std::string& out, const Fix& fix, bool first, const Paint& paint) {
  Row(out, first ? "fix" : "or", paint.Green(fix.summary));
  Row(out, "", absl::StrCat(fix.reason, " (", fix.verification, ")"));
  for (const std::string& w : fix.warnings) Row(out, "", absl::StrCat("check: ", w));
  if (fix.diff.empty()) return;
  absl::StrAppend(&out, "\n");
  for (const auto line : absl::StrSplit(fix.diff, '\n')) {
    if (!line.empty()) absl::StrAppend(&out, line, "\n");
  }
  absl::StrAppend(&out, "\n");
}

std::string Head(const Analysis& a, const Paint& paint) {
  const AnalysisSummary& s = a.summary;
  const std::string words = absl::StrCat("stranded: ", detector::Outcome(a));
  std::string out = detector::AllIsWell(a) ? paint.Green(words) : paint.Red(words);
  absl::StrAppend(&out, " (", s.tasks, s.tasks == 1 ? " task" : " tasks", " alive, ", s.blocked,
                  " blocked");
  if (!s.world.empty()) absl::StrAppend(&out, "; ", s.world);
  absl::StrAppend(&out, ")\n");
  if (a.look_again > 0) absl::StrAppend(&out, "  ", detector::LookAgain(a), "\n");
  for (const std::string& loss : s.losses) absl::StrAppend(&out, "  missing: ", loss, "\n");
  return out;
}

}  // namespace

std::string TextFinding(const Finding& finding, const TextOptions& options) {
  const Paint paint(options.color);
  const FindingData& d = finding.data();
  std::string out = absl::StrCat(paint.Bold(d.title), "\n");
  Row(out, "rule", absl::StrCat(d.rule, ", ", d.verdict));
  if (d.wait_site.known() && d.wait != "lost cancel") {
    const bool blocked = d.wait != "sleep" && d.wait != "running" && d.verdict != "predicted";
    Row(out, blocked ? "blocked" : "seen",
        absl::StrCat("at ", d.wait_site.ToString(), In(d.wait_site), Ages(d)));
  }
  if (d.has_channel) Row(out, "channel", ChannelLine(d.channel));
  if (d.sync_site.known()) Row(out, "made", absl::StrCat("at ", d.sync_site.ToString()));
  AddContexts(out, d);
  AddSpawn(out, d);
  for (std::size_t i = 0; i < d.peer.size(); ++i) Row(out, i == 0 ? "peer" : "", d.peer[i]);
  for (std::size_t i = 0; i < d.graph.size(); ++i) Row(out, i == 0 ? "waits" : "", d.graph[i]);
  if (options.stacks) AddStack(out, d, paint);
  for (std::size_t i = 0; i < d.notes.size(); ++i) Row(out, i == 0 ? "note" : "", d.notes[i]);
  for (std::size_t i = 0; i < d.fixes.size(); ++i) AddFix(out, d.fixes[i], i == 0, paint);
  Row(out, "id", paint.Dim(absl::StrCat(d.fingerprint, "   (stranded explain ", d.rule, ")")));
  return out;
}

std::string TextReport(const Analysis& analysis, const TextOptions& options) {
  std::string out = Head(analysis, Paint(options.color));
  std::size_t number = 0;
  for (const Finding& finding : analysis.findings) {
    if (options.max_findings != 0 && number == options.max_findings) {
      absl::StrAppend(&out, "\n... and ", analysis.findings.size() - number, " more findings\n");
      break;
    }
    absl::StrAppend(&out, "\n", ++number, ". ", TextFinding(finding, options));
  }
  return out;
}

}  // namespace stranded
