#include <algorithm>
#include <vector>

#include "absl/strings/str_cat.h"
#include "detector/fixes/fixes.h"
#include "detector/rules/rule.h"

namespace stranded::detector {
namespace {

// Who holds units is not recorded, only who was the last to take some, and whether it has given
// back since. One that takes them at one place again and again, or has started tasks, may have
// taken them for those.
const Task* KeepingTaker(const Situation& s, const Task& waiter) {
  if (!s.Blocked(waiter) || waiter.wait != WaitKind::kSemaphoreAcquire) return nullptr;
  const Sync* const sync = s.snap().syncs.Find(waiter.sync);
  if (sync == nullptr || sync->role != SyncRole::kUser || !sync->taker_keeps) return nullptr;
  const Task* const taker = s.snap().tasks.Find(sync->last_add.task);
  if (taker == nullptr || taker->has_spawned) return nullptr;
  return taker->wait_site == sync->last_add.site ? nullptr : taker;
}

// Somebody else gives back what they take.
bool ServedByOthers(const Situation& s, const std::vector<const Task*>& cycle) {
  return std::any_of(cycle.begin(), cycle.end(), [&](const Task* task) {
    const Id by = s.snap().syncs.Find(task->sync)->last_done.task;
    return by != 0 && std::none_of(cycle.begin(), cycle.end(),
                                   [&](const Task* member) { return member->id == by; });
  });
}

// From one to the last taker of what it waits for, and on, until one is met again: those on the
// circle, in this order; empty if it does not close.
std::vector<const Task*> CycleFrom(const Situation& s, const Task& start) {
  constexpr std::size_t kMost = 64;
  std::vector<const Task*> path{&start};
  while (path.size() < kMost) {
    const Task* const next = KeepingTaker(s, *path.back());
    if (next == nullptr || !s.Blocked(*next) || next->wait != WaitKind::kSemaphoreAcquire) break;
    const auto met = std::find(path.begin(), path.end(), next);
    if (met != path.end()) {
      path.erase(path.begin(), met);
      return ServedByOthers(s, path) ? std::vector<const Task*>() : path;
    }
    path.push_back(next);
  }
  return {};
}

bool OneSemaphore(const std::vector<const Task*>& cycle) {
  return std::all_of(cycle.begin(), cycle.end(),
                     [&](const Task* task) { return task->sync == cycle.front()->sync; });
}

Match Check(const Situation& s, const Task& task) {
  if (task.wait != WaitKind::kSemaphoreAcquire || s.EndedContext(task) != nullptr) return {};
  const std::vector<const Task*> cycle = CycleFrom(s, task);
  if (cycle.empty() || !s.Quiet(task)) return {};
  const Task* const root = *std::min_element(
      cycle.begin(), cycle.end(), [](const Task* a, const Task* b) { return a->id < b->id; });
  return Stuck(s, task, false, {.root = root->id});
}

std::string Sentence(const Situation& s, const Group& group, const std::string& who, bool) {
  const std::vector<const Task*> cycle = CycleFrom(s, *group.tasks.front());
  if (OneSemaphore(cycle)) {
    return absl::StrCat(who, " blocked on a semaphore whose last taker waits for more of it");
  }
  return absl::StrCat(who, " blocked on semaphores that were last taken by tasks which wait for ",
                      "the others'");
}

void Explain(const Situation& s, const Group& group, FindingData& out) {
  const std::vector<const Task*> cycle = CycleFrom(s, *group.tasks.front());
  for (const Task* task : cycle) {
    const Sync* const sync = s.snap().syncs.Find(task->sync);
    out.graph.push_back(absl::StrCat(TaskText(*task), " waits at ", Place(s, task->wait_site),
                                     " for the ", SyncText(*sync), " made at ",
                                     Place(s, sync->site)));
    out.graph.push_back(absl::StrCat("  taken last by ", TaskText(s, sync->last_add.task), " at ",
                                     Place(s, sync->last_add.site),
                                     ", which has not given back since"));
  }
  const Task& task = *cycle.front();
  const Sync* const sync = s.snap().syncs.Find(task.sync);
  if (OneSemaphore(cycle)) {
    out.fixes.push_back(SimpleFix(
        FixKind::kLockOrder, out.wait_site,
        absl::StrCat("Take in one Acquire() what is taken at ", Place(s, sync->last_add.site),
                     " and then at ", Place(s, task.wait_site),
                     ", or give back the first part before."),
        "Tasks that each keep a part and wait for the rest can use up all units together."));
    return;
  }
  out.fixes.push_back(SimpleFix(
      FixKind::kLockOrder, out.wait_site,
      "Acquire these semaphores in the same order everywhere, or give back the units of one before "
      "the next is acquired.",
      "With one order for all tasks no cycle can form."));
}

}  // namespace

const Rule kSemaphoreCycle = {
    {"semaphore-cycle", "tasks keep units of semaphores and wait for more",
     "Each of these tasks was the last to take units of a semaphore, has not given back since, and "
     "waits for units that only another of them, or itself, could give back.\n"
     "\n"
     "Fix: take all that is needed in one Acquire(); of several semaphores, in one order "
     "everywhere."},
    &Check,
    &Sentence,
    &Explain};

}  // namespace stranded::detector
