#include "absl/strings/str_cat.h"
#include "detector/fixes/fixes.h"
#include "detector/rules/rule.h"

namespace stranded::detector {
namespace {

Match Check(const Situation& s, const Task& task) {
  if (task.wait != WaitKind::kWaitGroupWait) return {};
  return Stuck(s, task, false);
}

std::string Sentence(const Situation& s, const Group& group, const std::string& who, bool) {
  const Sync* sync = s.snap().syncs.Find(group.tasks.front()->sync);
  return absl::StrCat(who, " blocked waiting for a WaitGroup whose counter stays at ",
                      sync == nullptr ? 0 : sync->counter);
}

void Explain(const Situation& s, const Group& group, FindingData& out) {
  const Sync* sync = s.snap().syncs.Find(group.tasks.front()->sync);
  if (sync == nullptr) return;
  const SourceSite add = SiteText(s, sync->last_add.site);
  if (sync->last_add.task != 0) {
    out.peer.push_back(absl::StrCat("The last Add() was by ", TaskText(s, sync->last_add.task),
                                    " at ", add.ToString(), "."));
  }
  out.peer.push_back(sync->last_done.task == 0
                         ? "Nobody has called Done()."
                         : absl::StrCat("The last Done() was by ",
                                        TaskText(s, sync->last_done.task), " at ",
                                        Place(s, sync->last_done.site), "; ",
                                        Present(s, sync->last_done.task), "."));
  out.fixes.push_back(SimpleFix(
      FixKind::kAddDone, add,
      absl::StrCat(sync->counter, sync->counter == 1 ? " call" : " calls",
                   " of Done() missing: call it on every way out of each task that the Add() at ",
                   add.ToString(), " counts; WaitGroup::Go does it for you."),
      "Wait() returns when the counter is zero."));
}

}  // namespace

const Rule kWaitGroupStuck = {
    {"waitgroup-stuck", "a WaitGroup's counter never reaches zero",
     "Somebody waits for a WaitGroup, and nobody is left who would call Done(): a task returned "
     "early "
     "without it, was counted but never started, or is stuck itself (then look at its finding "
     "first).\n"
     "\n"
     "Fix: Done() in a scoped guard at the top of the task, or WaitGroup::Go."},
    &Check,
    &Sentence,
    &Explain};

}  // namespace stranded::detector
