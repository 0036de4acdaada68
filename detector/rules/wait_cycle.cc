#include <algorithm>
#include <vector>

#include "absl/strings/str_cat.h"
#include "detector/fixes/fixes.h"
#include "detector/rules/rule.h"

namespace stranded::detector {
namespace {

bool ForItself(const Situation& s, const Task& task) {
  const CycleLink* const link = s.Cycles().Of(task);
  return link != nullptr && link->next == &task;
}

const Sync* GroupOf(const Situation& s, const Task& task) {
  return task.wait == WaitKind::kWaitGroupWait ? s.snap().syncs.Find(task.sync) : nullptr;
}

Match Check(const Situation& s, const Task& task) {
  if (task.wait != WaitKind::kJoin && task.wait != WaitKind::kWaitGroupWait) return {};
  const CycleLink* const link = s.Cycles().Of(task);
  if (link == nullptr) return {};
  const bool itself = link->next == &task;
  // Somebody else may still call Done() for a task that is counted; nobody can end a joined one.
  return Stuck(s, task, link->only_joins, {.root = itself ? 0 : link->root->id});
}

// The cycle from its root on.
std::vector<const Task*> Members(const Situation& s, const Task& task) {
  std::vector<const Task*> members;
  const CycleLink* link = s.Cycles().Of(task);
  const Task* at = link == nullptr ? nullptr : link->next == &task ? &task : link->root;
  while (at != nullptr && (members.empty() || at != members.front())) {
    members.push_back(at);
    link = s.Cycles().Of(*at);
    at = link == nullptr ? nullptr : link->next;
    if (members.size() > s.snap().tasks.size()) break;
  }
  return members;
}

std::string Sentence(const Situation& s, const Group& group, const std::string& who, bool many) {
  const Task& task = *group.tasks.front();
  if (!ForItself(s, task)) {
    return absl::StrCat(Members(s, task).size(), " tasks wait for each other's end in a cycle");
  }
  if (task.wait == WaitKind::kJoin) {
    return absl::StrCat(who, " blocked joining ", many ? "themselves" : "itself");
  }
  const Sync* const sync = GroupOf(s, task);
  if (sync != nullptr && sync->role == SyncRole::kErrGroup) {
    return absl::StrCat(who, " blocked in Wait() of the ErrGroup that ", many ? "they" : "it",
                        " runs in");
  }
  return absl::StrCat(who, " blocked waiting for a WaitGroup that counts ",
                      many ? "them, too" : "it, too");
}

std::string Link(const Situation& s, const Task& task, const Task& next) {
  std::string line = TaskText(task);
  const Sync* const sync = GroupOf(s, task);
  const bool itself = &task == &next;
  if (sync == nullptr) {
    absl::StrAppend(&line, " joins ", itself ? "itself" : TaskText(next), " at ",
                    Place(s, task.wait_site));
  } else {
    absl::StrAppend(&line, " waits at ", Place(s, task.wait_site), " for the ", SyncText(*sync),
                    " made at ", Place(s, sync->site), ", which counts ",
                    itself ? "it, too" : TaskText(next));
  }
  if (const SpawnNode* spawn = s.snap().spawns.Find(next.spawn)) {
    absl::StrAppend(&line, itself ? ": it was started at " : ", started at ",
                    Place(s, spawn->site));
  }
  return line;
}

void ProposeForItself(const Situation& s, const Task& task, FindingData& out) {
  const std::string at = Place(s, task.wait_site);
  const Sync* const sync = GroupOf(s, task);
  const std::string call =
      absl::StrCat("Call ", sync == nullptr ? "Join()" : "Wait()", " not at ", at, ", but ");
  const SpawnNode* const spawn = s.snap().spawns.Find(task.spawn);
  const std::string started = spawn == nullptr ? "elsewhere" : "at " + Place(s, spawn->site);
  if (sync == nullptr) {
    out.fixes.push_back(SimpleFix(
        FixKind::kStopTask, out.wait_site,
        absl::StrCat(call, "in another task than the one that is joined, started ", started, "."),
        "A task that waits for its own end does not come to it."));
    return;
  }
  const bool of_group = sync->role == SyncRole::kErrGroup;
  out.fixes.push_back(SimpleFix(
      FixKind::kStopTask, out.wait_site,
      absl::StrCat(call, "in a task that the group does not count, such as the one that called ",
                   "Go() ", started,
                   of_group ? "." : "; or start the one that waits with stranded::Go instead."),
      of_group ? "Wait() returns when all tasks of the group have ended, this one among them."
               : "The counter includes the task that waits, and so does not come to zero."));
}

void Explain(const Situation& s, const Group& group, FindingData& out) {
  constexpr std::size_t kMostLines = 200;
  const std::vector<const Task*> members = Members(s, *group.tasks.front());
  for (std::size_t i = 0; i < std::min(members.size(), kMostLines); ++i) {
    out.graph.push_back(Link(s, *members[i], *members[(i + 1) % members.size()]));
  }
  if (members.size() == 1) {
    ProposeForItself(s, *members.front(), out);
    return;
  }
  out.fixes.push_back(SimpleFix(
      FixKind::kStopTask, out.wait_site,
      "Let whoever started these tasks wait for them, or one of them end without waiting for the "
      "next.",
      "None of them can end before the one it waits for."));
}

}  // namespace

const Rule kWaitCycle = {
    {"wait-cycle", "a task waits for its own end, or tasks wait for each other's",
     "A task joins itself, or calls Wait() of a WaitGroup or ErrGroup whose Go() started it and "
     "which therefore counts it; or several tasks do so in a circle. None of them can end.\n"
     "\n"
     "Fix: wait where the tasks were started, or in a task that is not one of them."},
    &Check,
    &Sentence,
    &Explain};

}  // namespace stranded::detector
