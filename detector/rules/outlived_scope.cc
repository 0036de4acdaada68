#include <algorithm>

#include "absl/strings/str_cat.h"
#include "detector/fixes/fixes.h"
#include "detector/rules/evidence.h"
#include "detector/rules/rule.h"

namespace stranded::detector {
namespace {

// Asleep again since its context ended: it does not listen to it.
bool IgnoresEnd(const Situation& s, const Task& task) {
  const Context* ended = s.EndedContext(task);
  if (ended == nullptr || task.state != TaskState::kSleeping) return false;
  const std::int64_t late = s.snap().NowFor(*ended) - ended->ended_ns;
  return task.since_ns > ended->ended_ns && late >= absl::ToInt64Nanoseconds(s.options().min_age);
}

Match Check(const Situation& s, const Task& task) {
  if (task.state == TaskState::kFinished || task.wait == WaitKind::kLeakCheck) return {};
  // Whoever looks in between may still end it.
  if (s.ScopeEnded(task) && !s.options().caller_goes_on) {
    const bool sure = s.Quiet(task) && s.ThreadsBeside(task) == 0;
    return {Answer::kLeak, sure ? "proven" : "outlived", {}};
  }
  if (IgnoresEnd(s, task)) return {Answer::kLeak, "outlived", {}};
  return {};
}

SiteId MetAt(const Task& task) { return task.wait_site != 0 ? task.wait_site : task.last_site; }

// Those that go on share a group wherever they are.
std::string Doing(const Situation& s, const Group& group) {
  const Task& task = *group.tasks.front();
  const WaitKind first = task.wait;
  const bool same = std::all_of(group.tasks.begin(), group.tasks.end(),
                                [&](const Task* t) { return t->wait == first; });
  if (!same) return "running or sleeping";
  return first == WaitKind::kNone ? "running" : WaitText(s.snap(), task);
}

std::string Sentence(const Situation& s, const Group& group, const std::string& who, bool many) {
  const Task& task = *group.tasks.front();
  const std::string doing = Doing(s, group);
  if (s.EndedContext(task) != nullptr) {
    return absl::StrCat(who, " still there, ", doing, ", although ", many ? "their" : "its",
                        " context has ended");
  }
  return absl::StrCat(who, " still there, ", doing, ", after the scope that started ",
                      many ? "them" : "it", " has ended");
}

// What its select could be told to end by, and nobody has: a context, or else channels, those to
// which nothing was sent before others, which may bring its work.
std::string SignToEnd(const Situation& s, const Task& task) {
  if (task.wait != WaitKind::kSelect) return "";
  std::string silent, others;
  for (std::uint32_t i = 0; i < task.case_count; ++i) {
    const WaitCase& c = s.snap().cases[task.first_case + i];
    const Channel* channel = s.snap().channels.Find(c.channel);
    const bool done =
        c.op == CaseOp::kDone || (channel != nullptr && channel->role == ChannelRole::kContextDone);
    const Id context = channel != nullptr && c.context == 0 ? channel->context : c.context;
    if (done && s.CanEnd(context)) return "cancel the context to which it listens";
    if (c.op != CaseOp::kRecv || channel == nullptr || channel->closed) continue;
    if (channel->role != ChannelRole::kUser) continue;
    std::string& places = channel->sends_started == 0 ? silent : others;
    absl::StrAppend(&places, places.empty() ? "" : " or ", Place(s, channel->site));
  }
  if (!silent.empty()) {
    return absl::StrCat("close the channel made at ", silent,
                        ", to which nobody has sent and which nobody has closed");
  }
  if (others.empty()) return "";
  return absl::StrCat("close the channel made at ", others, ", which nobody has closed");
}

std::string HowToStop(const Situation& s, const Task& task, const std::string& at) {
  if (task.state == TaskState::kSleeping) {
    return absl::StrCat("At ", at,
                        ", wait in a Select on After(d) and OnDone(ctx) instead of sleeping, and "
                        "return when the context ends.");
  }
  if (task.wait == WaitKind::kJoin) {
    return absl::StrCat("See why ", TaskText(s, task.join_task), " does not end: the Join() at ",
                        at, " waits for it.");
  }
  const Context* const ended = s.EndedContext(task);
  if (ended != nullptr && task.wait == WaitKind::kSelect) {
    return absl::StrCat("Add OnDone(ctx) to the Select at ", at,
                        ", and return when the context has ended.");
  }
  // It is cancelled, and a join would wait for as long as it does not look.
  if (ended != nullptr && !s.Blocked(task)) {
    return absl::StrCat("In the loop around ", at,
                        ", look at ctx.Err(), or wait in a Select with OnDone(ctx), and return "
                        "when the context has ended.");
  }
  if (s.Blocked(task) && s.Quiet(task)) {
    return absl::StrCat("See what should have ended the wait at ", at,
                        "; a join would wait as long as it does.");
  }
  if (const std::string sign = SignToEnd(s, task); !sign.empty()) {
    return absl::StrCat("Tell the task to end before its scope does: ", sign,
                        "; then join it. Its Select stands at ", at, ".");
  }
  return absl::StrCat(
      "Join the task before its scope ends, if it ends by itself. If it does not, tell it to "
      "before: ",
      s.CanEnd(task.context) ? "cancel its context, and let it look at that"
                             : "by a context that is cancelled, or a channel that is closed",
      ". It stands at ", at, ".");
}

void Explain(const Situation& s, const Group& group, FindingData& out) {
  const Task& task = *group.tasks.front();
  if (task.wait == WaitKind::kJoin) {
    out.graph.push_back(absl::StrCat(TaskText(task), " joins ", TaskText(s, task.join_task), "; ",
                                     Present(s, task.join_task)));
  }
  if (task.wait == WaitKind::kSelect && task.case_count > 1) out.graph = DescribeCases(s, task);
  const bool ended = s.EndedContext(task) != nullptr;
  if (task.state == TaskState::kSleeping) {
    out.notes.push_back(
        ended ? "It goes on by itself: it sleeps until its timer, whatever its context says."
              : "It goes on by itself: it sleeps until its timer, and nothing tells it to stop.");
  }
  const bool one_place = std::all_of(group.tasks.begin(), group.tasks.end(),
                                     [&](const Task* t) { return MetAt(*t) == MetAt(task); });
  if (!one_place) {
    out.notes.push_back(
        absl::StrCat("The place is that of ", TaskText(task), "; others were met elsewhere."));
  }
  const SourceSite site = SiteText(s, MetAt(task));
  out.fixes.push_back(SimpleFix(FixKind::kStopTask, site, HowToStop(s, task, site.ToString()),
                                ended ? "Its context has ended already: it must look."
                                      : "A task must not outlive the one that needs its work."));
}

}  // namespace

const Rule kOutlivedScope = {
    {"outlived-scope", "a task is still there although its test, scope or request has ended",
     "The task is late: its scope (a test, a LeakScope) or its context is over and it is still "
     "there. Mostly it is not stuck but goes on, for example in a retry loop that never looks at "
     "the context.\n"
     "\n"
     "Fix: look at ctx.Err() in the loop, or replace SleepFor by a Select on After(d) and "
     "OnDone(ctx); cancel and join before the scope ends. A join alone waits for ever for a loop "
     "that nobody tells to end. A task that is meant to live on is marked daemon."},
    &Check,
    &Sentence,
    &Explain};

}  // namespace stranded::detector
