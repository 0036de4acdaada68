// All that is known of one task or channel.
#include "absl/strings/str_cat.h"
#include "detector/report/symbolizer.h"
#include "detector/rules/evidence.h"
#include "detector/rules/rule.h"
#include "stranded/report.h"

namespace stranded {

using namespace detector;  // NOLINT(build/namespaces)

namespace {

void Row(std::string& out, const std::string& label, const std::string& text) {
  absl::StrAppend(&out, "  ", label, std::string(label.size() < 10 ? 10 - label.size() : 1, ' '),
                  text, "\n");
}

void ShowCases(const Situation& s, const Task& t, std::string& out) {
  for (std::uint32_t i = 0; i < t.case_count; ++i) {
    const WaitCase& c = s.snap().cases[t.first_case + i];
    const Channel* channel = s.snap().channels.Find(c.channel);
    const char* op = c.op == CaseOp::kSend ? "send" : c.op == CaseOp::kDone ? "done" : "receive";
    std::string text = absl::StrCat(op, " at ", Place(s, c.site));
    if (channel != nullptr) {
      absl::StrAppend(&text, ", channel ", channel->id, " made at ", Place(s, channel->site));
    } else if (c.context != 0) {
      absl::StrAppend(&text, ", context ", c.context);
    }
    Row(out, i == 0 ? "on" : "", text);
  }
}

}  // namespace

std::string ShowTask(const Analysis& analysis, std::uint64_t id) {
  if (analysis.dump == nullptr || analysis.dump->snapshots.empty()) return "";
  const AnalysisOptions options;
  const Situation s(*analysis.dump, analysis.dump->snapshots.back(), options);
  const Task* t = s.snap().tasks.Find(id);
  if (t == nullptr) return "";
  std::string out = absl::StrCat(TaskText(*t), "\n");
  Row(out, "now",
      t->wait == WaitKind::kNone ? absl::StrCat("last seen at ", Place(s, t->last_site))
                                 : absl::StrCat(WaitText(t->wait), " at ", Place(s, t->wait_site),
                                                ", for ", Span(s.Age(*t))));
  ShowCases(s, *t, out);
  if (const Sync* sync = s.snap().syncs.Find(t->sync)) {
    Row(out, "on", absl::StrCat(SyncText(*sync), " made at ", Place(s, sync->site)));
    if (const Task* holder = s.HolderFor(*t))
      Row(out, "", absl::StrCat("held by ", TaskText(*holder)));
  }
  for (const Sync* sync : s.LocksHeldBy(*t)) {
    Row(out, "holds", absl::StrCat(SyncText(*sync), " made at ", Place(s, sync->site)));
  }
  if (t->join_task != 0) Row(out, "joins", TaskText(s, t->join_task));
  bool first = true;
  for (const ContextStep& c : DescribeContexts(s, *t)) {
    Row(out, first ? "context" : "",
        absl::StrCat(c.kind, c.site.known() ? " at " + c.site.ToString() : "",
                     c.ended ? ": " + c.err : ""));
    first = false;
  }
  for (const SpawnStep& step : DescribeAncestry(s, *t)) {
    if (step.site.known())
      Row(out, "spawned", absl::StrCat(step.name, " at ", step.site.ToString()));
  }
  Symbolizer symbolizer(*analysis.dump);
  std::vector<StackFrame> frames;
  for (std::uint32_t i = 0; i < t->frame_count; ++i) {
    symbolizer.AddFrames(s.snap().frames[t->first_frame + i], frames);
  }
  for (std::size_t i = 0; i < frames.size(); ++i) {
    Row(out, i == 0 ? "stack" : "",
        absl::StrCat(
            frames[i].function.empty() ? frames[i].module : frames[i].function,
            frames[i].line == 0 ? "" : absl::StrCat("  ", frames[i].file, ":", frames[i].line)));
  }
  if (const auto note = s.snap().stack_notes.find(t->id); note != s.snap().stack_notes.end()) {
    Row(out, "", absl::StrCat("(", std::string(note->second), ")"));
  }
  return out;
}

std::string ShowChannel(const Analysis& analysis, std::uint64_t id) {
  if (analysis.dump == nullptr || analysis.dump->snapshots.empty()) return "";
  const AnalysisOptions options;
  const Situation s(*analysis.dump, analysis.dump->snapshots.back(), options);
  const Channel* c = s.snap().channels.Find(id);
  if (c == nullptr) return "";
  std::string out =
      absl::StrCat("channel ", id, ", ", ChannelText(c), " of ", TypeText(c->elem_type), "\n");
  Row(out, "made", absl::StrCat("at ", Place(s, c->site), " by ", TaskText(s, c->creator_task)));
  Row(out, "holds", absl::StrCat(c->length, " of ", c->capacity, ", at most ", c->high_water));
  Row(out, "sends", absl::StrCat(c->sends_started, " begun, ", c->sends_completed, " completed"));
  Row(out, "receives",
      absl::StrCat(c->recvs_started, " begun, ", c->recvs_completed, " completed"));
  if (c->closed) {
    Row(out, "closed",
        absl::StrCat("at ", Place(s, c->closed_site), " by ", TaskText(s, c->closed_by_task)));
  }
  for (const Task& t : s.snap().tasks.all()) {
    for (std::uint32_t i = 0; i < t.case_count; ++i) {
      if (s.snap().cases[t.first_case + i].channel != id) continue;
      Row(out, "waits",
          absl::StrCat(TaskText(t), " ", WaitText(t.wait), " at ", Place(s, t.wait_site)));
      break;
    }
  }
  return out;
}

}  // namespace stranded
