// All that is known of one task.
#include <algorithm>

#include "absl/strings/str_cat.h"
#include "detector/input/all_tasks.h"
#include "detector/report/portable.h"
#include "detector/report/show_page.h"
#include "detector/report/symbolizer.h"
#include "detector/rules/evidence.h"
#include "stranded/report.h"

namespace stranded {

using namespace detector;  // NOLINT(build/namespaces)

namespace {

class TaskPage {
 public:
  TaskPage(const Analysis& analysis, const Situation& s, const Task& task, const ShowOptions& o)
      : analysis_(analysis), s_(s), t_(task), o_(o), page_(TaskText(task), o) {}

  std::string Text() {
    page_.Row("now", Doing(s_, t_));
    Cases();
    Locks();
    if (t_.join_task != 0) {
      page_.Row("joins", TaskText(s_, t_.join_task));
      page_.NextTask(s_, t_.join_task, "what it waits for");
    }
    Group();
    Contexts();
    Ancestry();
    Findings();
    Stack();
    return page_.Text();
  }

 private:
  void Cases() {
    for (std::uint32_t i = 0; i < t_.case_count; ++i) {
      const WaitCase& c = s_.snap().cases[t_.first_case + i];
      const Channel* channel = s_.snap().channels.Find(c.channel);
      const char* op = c.op == CaseOp::kSend ? "send" : c.op == CaseOp::kDone ? "done" : "receive";
      std::string text = absl::StrCat(op, " at ", Place(s_, c.site));
      if (channel != nullptr) {
        absl::StrAppend(&text, ", channel ", channel->id, " made at ", Place(s_, channel->site));
      } else if (c.context != 0) {
        absl::StrAppend(&text, ", context ", c.context);
      }
      page_.Row(i == 0 ? "on" : "", text);
      if (channel != nullptr) {
        page_.Next(absl::StrCat("channel:", channel->id), "who else uses what it waits for");
      } else if (c.context != 0) {
        page_.Next(absl::StrCat("context:", c.context), "what it waits for");
      }
    }
  }

  void Locks() {
    if (const Sync* sync = s_.snap().syncs.Find(t_.sync)) {
      page_.Row("on", absl::StrCat(SyncText(*sync), " made at ", Place(s_, sync->site)));
      page_.Next(absl::StrCat("sync:", sync->id), "who holds it and who waits for it");
      if (const Task* holder = s_.HolderFor(t_)) {
        const bool queued = s_.HeldAt(*holder, *sync) == 0 && holder->sync == sync->id;
        page_.Row("", absl::StrCat(queued ? "behind the writer " : "held by ", TaskText(*holder)));
        page_.NextTask(s_, holder->id, queued ? "who stands before it" : "the holder");
      }
    }
    for (const Sync* sync : s_.LocksHeldBy(t_)) {
      page_.Row("holds", absl::StrCat(SyncText(*sync), " made at ", Place(s_, sync->site)));
      page_.Next(absl::StrCat("sync:", sync->id), "who waits for what it holds");
    }
  }

  void Group() {
    const Sync* sync = t_.group == 0 ? nullptr : s_.snap().syncs.Find(t_.group);
    if (sync == nullptr) return;
    page_.Row("counted",
              absl::StrCat("by the ", SyncText(*sync), " made at ", Place(s_, sync->site)));
    page_.Next(absl::StrCat("sync:", sync->id), "who waits for its group");
  }

  void Contexts() {
    bool first = true;
    for (const ContextStep& c : DescribeContexts(s_, t_)) {
      page_.Row(first ? "context" : "",
                absl::StrCat(c.kind, c.site.known() ? " at " + c.site.ToString() : "",
                             c.ended ? ": " + c.err : ""));
      first = false;
    }
    if (s_.snap().contexts.Find(t_.context) == nullptr) return;
    page_.Next(absl::StrCat("context:", t_.context), "its context, and the tasks in it");
  }

  void Ancestry() {
    bool first = true;
    for (const SpawnStep& step : DescribeAncestry(s_, t_)) {
      if (step.site.known()) page_.Row("spawned", step.name + " at " + step.site.ToString());
      if (!first) page_.NextTask(s_, step.task, "an ancestor");
      first = false;
    }
  }

  void Findings() {
    for (const Finding& f : analysis_.findings) {
      const auto& tasks = f.data().tasks;
      if (std::find(tasks.begin(), tasks.end(), t_.id) == tasks.end()) continue;
      page_.Row("finding", absl::StrCat(std::string(f.rule()), ", ", std::string(f.verdict())));
      page_.Next(std::string(f.fingerprint()), "the finding, with its fix");
    }
  }

  void Stack() {
    Symbolizer symbolizer(*analysis_.dump);
    std::vector<StackFrame> frames;
    for (std::uint32_t i = 0; i < t_.frame_count; ++i) {
      symbolizer.AddFrames(s_.snap().frames[t_.first_frame + i], frames);
    }
    std::size_t shown = 0;
    for (const StackFrame& f : frames) {
      if (!o_.all_frames && (f.runtime || f.library || f.function.empty())) continue;
      const std::string what = f.function.empty() ? f.module : f.function;
      const std::string file =
          o_.absolute_paths ? f.file : PortableSourcePath(f.file, o_.path_prefix);
      const std::string where = f.line == 0 ? "" : absl::StrCat("  ", file, ":", f.line);
      page_.Row(shown++ == 0 ? "stack" : "", what + where);
    }
    if (shown < frames.size()) {
      page_.Row(shown == 0 ? "stack" : "",
                absl::StrCat("(", frames.size() - shown,
                             " frames of the runtime and the C++ library: --all-frames)"));
    }
    if (const auto note = s_.snap().stack_notes.find(t_.id); note != s_.snap().stack_notes.end()) {
      page_.Row("", absl::StrCat("(", std::string(note->second), ")"));
    }
  }

  const Analysis& analysis_;
  const Situation& s_;
  const Task& t_;
  const ShowOptions& o_;
  ShowPage page_;
};

}  // namespace

std::string ShowTask(const Analysis& analysis, std::uint64_t id, const ShowOptions& options) {
  if (analysis.dump == nullptr || analysis.dump->snapshots.empty()) return "";
  const AnalysisOptions plain;
  const auto dump = WithAllTasks(analysis.dump);
  const Situation s(*dump, dump->snapshots.back(), plain);
  const Task* t = s.snap().tasks.Find(id);
  return t == nullptr ? "" : TaskPage(analysis, s, *t, options).Text();
}

}  // namespace stranded
