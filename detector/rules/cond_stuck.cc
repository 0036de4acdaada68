#include <algorithm>

#include "absl/strings/str_cat.h"
#include "detector/fixes/fixes.h"
#include "detector/rules/rule.h"

namespace stranded::detector {
namespace {

Match Check(const Situation& s, const Task& task) {
  if (task.wait != WaitKind::kCondWait) return {};
  return Stuck(s, task, false);
}

std::string Sentence(const Situation&, const Group&, const std::string& who, bool) {
  return absl::StrCat(who, " blocked waiting for a condition that nobody signals any more");
}

// Of those that waited at the last signal, a Signal(), how many it left waiting: they still do.
std::int64_t LeftWaiting(const Sync& cond) {
  return std::min<std::int64_t>(cond.counter, cond.waiters);
}

void ProposeBroadcast(const Situation& s, const Sync& cond, FindingData& out) {
  const std::int64_t left = LeftWaiting(cond);
  const SourceSite at = SiteText(s, cond.last_signal.site);
  out.fixes.push_back(SimpleFix(
      FixKind::kSignal, at,
      absl::StrCat("Call Broadcast() instead of Signal() at ", at.ToString(),
                   " if what changed there lets all of them go on: it woke one of ", left + 1,
                   " waiters."),
      absl::StrCat("Signal() wakes one task; ", left == 1 ? "the other one was" : "the others were",
                   " left waiting.")));
}

void Explain(const Situation& s, const Group& group, FindingData& out) {
  const Task& task = *group.tasks.front();
  const Sync* sync = s.snap().syncs.Find(task.sync);
  if (sync == nullptr) return;
  if (sync->last_signal.task == 0) {
    out.peer.push_back("Nobody has ever signalled this condition.");
  } else {
    out.peer.push_back(absl::StrCat("The last signal was by ", TaskText(s, sync->last_signal.task),
                                    " at ", Place(s, sync->last_signal.site), "; ",
                                    Present(s, sync->last_signal.task), "."));
  }
  if (sync->lost_signals > 0 && sync->lost_signals == sync->signals) {
    out.notes.push_back(absl::StrCat("Lost wake-up: the signal at ",
                                     Place(s, sync->last_signal.site), " came before the wait at ",
                                     Place(s, task.wait_site), "."));
  }
  // The last signal came while they waited, and woke another one: earlier ones do not matter.
  if (LeftWaiting(*sync) > 0) {
    ProposeBroadcast(s, *sync, out);
    return;
  }
  if (sync->lost_signals > 0 && sync->lost_signals < sync->signals) {
    out.notes.push_back(absl::StrCat(
        sync->lost_signals, " of ", sync->signals, " signals came while nobody waited and had no ",
        "effect: a lost wake-up, unless the state is set under the lock before the signal and ",
        "tested in a loop before each Wait()."));
  }
  out.fixes.push_back(SimpleFix(
      FixKind::kSignal, SiteText(s, task.wait_site),
      absl::StrCat("Test the state under the lock before the Wait() at ", Place(s, task.wait_site),
                   ", and Broadcast() whenever it changes, at the end, too."),
      "A signal is not stored: only tasks that wait at that moment see it."));
}

}  // namespace

const Rule kCondStuck = {
    {"cond-stuck", "nobody is left to signal a condition",
     "A task waits for a condition, and no task that could signal it can run. Often the signal "
     "came "
     "before the wait: a signal is not stored.\n"
     "\n"
     "Fix: a loop `while (!ready) cond.Wait();` under the lock, and a signal after every change; "
     "Broadcast() if one change lets several tasks go on, since Signal() wakes one of them."},
    &Check,
    &Sentence,
    &Explain};

}  // namespace stranded::detector
