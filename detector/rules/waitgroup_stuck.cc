#include <algorithm>

#include "absl/strings/str_cat.h"
#include "detector/fixes/fixes.h"
#include "detector/rules/evidence.h"
#include "detector/rules/rule.h"
#include "detector/rules/wait_chain.h"

namespace stranded::detector {
namespace {

Match Check(const Situation& s, const Task& task) {
  if (task.wait != WaitKind::kWaitGroupWait) return {};
  return Stuck(s, task, false);
}

bool OfErrGroup(const Sync& sync) { return sync.role == SyncRole::kErrGroup; }

std::string Sentence(const Situation& s, const Group& group, const std::string& who, bool) {
  const Sync* sync = s.snap().syncs.Find(group.tasks.front()->sync);
  if (sync != nullptr && OfErrGroup(*sync)) {
    return absl::StrCat(who, " blocked in Wait() of an ErrGroup with ", sync->counter,
                        sync->counter == 1 ? " task that does not end" : " tasks that do not end");
  }
  return absl::StrCat(who, " blocked waiting for a WaitGroup whose counter stays at ",
                      sync == nullptr ? 0 : sync->counter);
}

void NotePeers(const Situation& s, const Sync& sync, FindingData& out) {
  const SyncPeer &add = sync.last_add, &done = sync.last_done;
  const bool of_group = OfErrGroup(sync);
  if (add.task != 0) {
    out.peer.push_back(absl::StrCat("The last ", of_group ? "Go()" : "Add()", " was by ",
                                    TaskText(s, add.task), " at ", Place(s, add.site), "."));
  }
  if (done.task == 0) {
    out.peer.push_back(of_group ? "No task of the group has ended." : "Nobody has called Done().");
  } else if (of_group) {
    out.peer.push_back(absl::StrCat("The last task to end was ", TaskText(s, done.task),
                                    ", started at ", Place(s, done.site), "."));
  } else {
    out.peer.push_back(absl::StrCat("The last Done() was by ", TaskText(s, done.task), " at ",
                                    Place(s, done.site), "; ", Present(s, done.task), "."));
  }
}

// WaitGroup::Go counts and spawns at one place, and calls Done() itself.
bool AddedByGo(const Situation& s, const Sync& group) {
  const auto& spawns = s.snap().spawns.all();
  return group.last_add.site != 0 && std::any_of(spawns.begin(), spawns.end(), [&](const auto& n) {
           return n.site == group.last_add.site;
         });
}

std::string WhichOne(const Sync& sync, const Task& counted) {
  const bool known = counted.group == sync.id;
  if (OfErrGroup(sync)) return known ? "is one of the group." : "seems to be one of the group.";
  return absl::StrCat(known ? "is" : "may be", " one of those that are counted.");
}

// A task that may be one of those it counts is stuck itself: that comes first.
void ProposeOther(const Situation& s, const Sync& sync, const Task& counted, FindingData& out) {
  const SourceSite at = SiteText(s, counted.wait_site);
  Fix fix = SimpleFix(FixKind::kStopTask, at,
                      absl::StrCat("Look first at ", at.ToString(), ": a task is blocked there, ",
                                   WaitText(s.snap(), counted), ", that ", WhichOne(sync, counted)),
                      "This wait ends when all of those have ended theirs.");
  if (counted.group != sync.id && !OfErrGroup(sync) && !AddedByGo(s, sync)) {
    fix.warnings.push_back(absl::StrCat("Each of the tasks that the Add() at ",
                                        Place(s, sync.last_add.site),
                                        " counts must call Done() on every way out."));
  }
  out.fixes.push_back(std::move(fix));
}

// It was started by whoever counted last, as those were that called Done(): then it is counted,
// too, by all that shows, and waits for itself.
bool SeemsCounted(const Situation& s, const Task& waiter, const Sync& group) {
  const SpawnNode* const spawn = SpawnOf(s, waiter.id);
  const SpawnNode* const parent = spawn == nullptr ? nullptr : s.snap().spawns.Find(spawn->parent);
  return parent != nullptr && parent->task == group.last_add.task && group.last_done.task != 0 &&
         group.last_done.task != waiter.id && StartedAlike(s, waiter.id, group.last_done.task);
}

void ProposeElsewhere(const Situation& s, const Task& task, const Sync& group, FindingData& out) {
  const SourceSite at = SiteText(s, task.wait_site);
  out.fixes.push_back(SimpleFix(
      FixKind::kStopTask, at,
      absl::StrCat(
          "Call Wait() not at ", at.ToString(),
          ", but in a task that is not counted: the one that waits was started where those "
          "were that called Done(), and so the Add() at ",
          Place(s, group.last_add.site), " seems to count it, too."),
      "A task that is counted and waits before its own Done() waits for itself."));
}

void Explain(const Situation& s, const Group& group, FindingData& out) {
  const Task& task = *group.tasks.front();
  const Sync* sync = s.snap().syncs.Find(task.sync);
  if (sync == nullptr) return;
  NotePeers(s, *sync, out);
  const Task* const counted = CountedAndBlocked(s, task, *sync);
  if (counted != nullptr && CertainlyCounted(s, *counted, *sync)) {
    ProposeOther(s, *sync, *counted, out);
    return;
  }
  const SourceSite add = SiteText(s, sync->last_add.site);
  if (OfErrGroup(*sync)) {
    out.fixes.push_back(SimpleFix(
        FixKind::kStopTask, add,
        absl::StrCat("Find the task of the group that does not end; the last one was started at ",
                     add.ToString(), "."),
        "Wait() returns when all of them have ended."));
    return;
  }
  if (SeemsCounted(s, task, *sync)) {
    ProposeElsewhere(s, task, *sync, out);
    return;
  }
  out.fixes.push_back(SimpleFix(
      FixKind::kAddDone, add,
      absl::StrCat(sync->counter, sync->counter == 1 ? " call" : " calls",
                   " of Done() missing: call it on every way out of each task that the Add() at ",
                   add.ToString(), " counts; WaitGroup::Go does it for you."),
      "Wait() returns when the counter is zero."));
  out.fixes.back().warnings.push_back(
      "One may also have been counted and never started: Add() right before each Go().");
  // One that waits at the same place, for another round, is no help.
  if (counted != nullptr && counted->wait_site != task.wait_site) {
    ProposeOther(s, *sync, *counted, out);
  }
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
