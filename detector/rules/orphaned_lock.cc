#include "absl/strings/str_cat.h"
#include "detector/fixes/fixes.h"
#include "detector/rules/rule.h"

namespace stranded::detector {
namespace {

bool SemaphoreOrphaned(const Situation& s, const Task& task) {
  if (task.wait != WaitKind::kSemaphoreAcquire || !s.Quiet(task)) return false;
  const Sync* sync = s.snap().syncs.Find(task.sync);
  return sync != nullptr && sync->last_add.task != 0;
}

// The holder at the end of the chain has not ended, but runs the check: it has left what is looked
// at.
bool HolderWentOn(const Situation& s, const Task& task) {
  const LockChain& chain = s.Chain(task);
  const bool may = chain.end == ChainEnd::kHolder || chain.end == ChainEnd::kAlive;
  return may && chain.root != nullptr && s.LooksOn(*chain.root) &&
         (chain.root->wait == WaitKind::kLeakCheck || chain.root->id == s.snap().taken_by);
}

bool IsLockWaiter(const Situation& s, const Task* task) {
  return task != nullptr && s.Blocked(*task) && IsLockWait(task->wait);
}

// Not a writer that only stands before it, but the one it has to wait for.
const Task* RealHolder(const Situation& s, const Task& task) {
  const Task* at = s.HolderFor(task);
  for (int steps = 0; steps < 64 && IsLockWaiter(s, at) && at->sync == task.sync; ++steps) {
    const Sync* const sync = s.snap().syncs.Find(task.sync);
    if (sync == nullptr || s.HeldAt(*at, *sync) != 0) break;
    at = s.HolderFor(*at);
  }
  return at;
}

Match Check(const Situation& s, const Task& task) {
  if (SemaphoreOrphaned(s, task) && s.EndedContext(task) == nullptr) return Stuck(s, task, false);
  if (HolderWentOn(s, task)) return Stuck(s, task, false, {.variant = 1});
  if (s.Chain(task).end != ChainEnd::kOrphan) return {};
  return Stuck(s, task, true);
}

// It was started with a unit of the same group's limit, and starts another one itself.
bool StartsFromInside(const Situation& s, const Task& task, const Sync& limit) {
  const SpawnNode* spawn = s.snap().spawns.Find(task.spawn);
  const SpawnNode* parent = spawn == nullptr ? nullptr : s.snap().spawns.Find(spawn->parent);
  return parent != nullptr && limit.last_add.task == parent->task &&
         limit.last_add.site == spawn->site;
}

void ExplainErrGroup(const Situation& s, const Task& task, const Sync& limit, FindingData& out) {
  const std::string set = Place(s, limit.site), at = Place(s, task.wait_site);
  out.graph.push_back(absl::StrCat(TaskText(task), " waits in Go() for room in the group, whose ",
                                   "limit of ", limit.limit, " was set at ", set));
  out.graph.push_back(absl::StrCat("  the last task that got room was started by ",
                                   TaskText(s, limit.last_add.task), " at ",
                                   Place(s, limit.last_add.site)));
  const bool inside = StartsFromInside(s, task, limit);
  out.fixes.push_back(SimpleFix(
      FixKind::kStopTask, SiteText(s, task.wait_site),
      inside ? absl::StrCat("Start the task of ", at,
                            " outside of the group's own tasks, with TryGo(), or raise the limit "
                            "set at ",
                            set, ".")
             : absl::StrCat("See why no task of the group ends: the Go() at ", at,
                            " waits until one does."),
      inside ? "A task of the group that waits for room keeps its own."
             : "Go() of a group at its limit waits for one of its tasks to end."));
}

std::string Sentence(const Situation& s, const Group& group, const std::string& who, bool) {
  const Sync* sync = s.snap().syncs.Find(group.tasks.front()->sync);
  const bool semaphore = sync != nullptr && sync->kind == SyncKind::kSemaphore;
  if (semaphore && sync->role == SyncRole::kErrGroup) {
    return absl::StrCat(who, " blocked in Go() ",
                        StartsFromInside(s, *group.tasks.front(), *sync)
                            ? "inside a task of an ErrGroup"
                            : "of an ErrGroup",
                        " that is at its limit of ", sync->limit);
  }
  if (semaphore) return absl::StrCat(who, " blocked on a semaphore whose units nobody gives back");
  const Task& task = *group.tasks.front();
  if (IsLockWaiter(s, RealHolder(s, task))) {
    return absl::StrCat(who, " blocked on a lock whose holder waits for one that nobody unlocks");
  }
  return absl::StrCat(who, " blocked on a lock whose holder ",
                      HolderWentOn(s, task) ? "went on" : "finished", " without unlocking");
}

// Holders that wait for locks themselves, up to the one that waits for the orphaned one.
const Task& LastWaiter(const Situation& s, const Task& task, FindingData& out) {
  const Task* at = &task;
  while (IsLockWaiter(s, s.HolderFor(*at)) && out.graph.size() < 40) {
    const Sync* const sync = s.snap().syncs.Find(at->sync);
    const Task* const holder = s.HolderFor(*at);
    const SiteId since = s.HeldAt(*holder, *sync);
    out.graph.push_back(absl::StrCat(TaskText(*at), " waits for the ", SyncText(*sync), " made at ",
                                     Place(s, sync->site)));
    out.graph.push_back(
        absl::StrCat(since == 0 ? "  behind " : "  held by ", TaskText(*holder),
                     since == 0 ? std::string() : absl::StrCat(" since ", Place(s, since))));
    at = holder;
  }
  return *at;
}

// Others than who takes may be those that give back.
void NoteReleaser(const Situation& s, const Sync& sync, Id taker, FindingData& out) {
  const SyncPeer& back = sync.last_done;
  if (back.task == 0 || back.task == taker) return;
  out.graph.push_back(absl::StrCat("  given back last by ", TaskText(s, back.task), " at ",
                                   Place(s, back.site), "; ", Present(s, back.task)));
}

std::string AdviceForTaker(const Situation& s, const Task& taker, const Sync& sync) {
  const std::string at = Place(s, sync.last_add.site), blocked = Place(s, taker.wait_site);
  if (taker.has_spawned) {
    return absl::StrCat("Give back what is taken at ", at,
                        " on every way out of whatever it was taken for: that task has started "
                        "others.");
  }
  if (taker.sync != sync.id) {
    return absl::StrCat("Give back what is taken at ", at, " before the operation at ", blocked,
                        ", or see what should have ended that.");
  }
  const SyncPeer& back = sync.last_done;
  if (back.task != 0 && back.task != taker.id) {  // others give it what it takes
    return absl::StrCat("See why nobody comes to the Release() at ", Place(s, back.site),
                        " any more, or who takes more at ", at, " than comes back there.");
  }
  return absl::StrCat("Take in one Acquire() what is taken at ", at, " and again at ", blocked,
                      ", or give back the first part before.");
}

// Where who took last is blocked itself. False: it is not, and may have left without giving back.
bool ProposeForTaker(const Situation& s, const Sync& sync, FindingData& out) {
  const Task* const taker = s.snap().tasks.Find(sync.last_add.task);
  if (taker == nullptr || !s.Blocked(*taker)) return false;
  out.fixes.push_back(SimpleFix(FixKind::kReleaseBeforeWait, SiteText(s, sync.last_add.site),
                                AdviceForTaker(s, *taker, sync),
                                "Whoever waits for it can then go on."));
  return true;
}

void Explain(const Situation& s, const Group& group, FindingData& out) {
  const Task& task = LastWaiter(s, *group.tasks.front(), out);
  const Sync* sync = s.snap().syncs.Find(task.sync);
  if (sync == nullptr) return;
  const bool semaphore = sync->kind == SyncKind::kSemaphore;
  if (semaphore && sync->role == SyncRole::kErrGroup) {
    ExplainErrGroup(s, task, *sync, out);
    return;
  }
  // Of readers the last one is known.
  const bool last = semaphore || sync->holder_task == 0;
  const Id holder = last ? sync->last_add.task : sync->holder_task;
  const SourceSite at = SiteText(s, last ? sync->last_add.site : sync->holder_site);
  out.graph.push_back(absl::StrCat(TaskText(task), " waits for the ", SyncText(*sync), " made at ",
                                   Place(s, sync->site)));
  if (holder != 0) {
    out.graph.push_back(absl::StrCat("  taken last by ", TaskText(s, holder), " at ", at.ToString(),
                                     "; ",
                                     HolderWentOn(s, task) ? "it went on" : Present(s, holder)));
  }
  const bool back_last = holder != 0 && sync->last_done.task == holder;
  const bool noted = semaphore && s.dump().version_minor >= 4;
  const bool gives_back = last && holder != 0 && (noted ? !sync->taker_keeps : back_last);
  if (gives_back) {
    out.graph.push_back(absl::StrCat(
        "  it has given back, too",
        back_last ? absl::StrCat(", at ", Place(s, sync->last_done.site)) : std::string(),
        ": one that took before it may not have"));
  }
  if (semaphore) NoteReleaser(s, *sync, holder, out);
  if (semaphore && !gives_back && ProposeForTaker(s, *sync, out)) return;
  out.fixes.push_back(SimpleFix(
      FixKind::kUnlock, at,
      gives_back
          ? absl::StrCat("Find who took the ", SyncText(*sync), " made at ", Place(s, sync->site),
                         " and kept it: look at each place that "
                         "takes it, of which ",
                         at.ToString(),
                         " was the last, for a way out that does not give back; a scoped "
                         "guard does it.")
          : absl::StrCat("Give back what is taken at ", at.ToString(),
                         " on every way out of that function; a scoped guard does it."),
      "Whoever waits for it can then go on."));
}

}  // namespace

const Rule kOrphanedLock = {
    {"orphaned-lock", "a task waits for a lock whose holder finished without unlocking",
     "The task that holds the lock has finished, or has gone on to look for leaks. Unlocking from "
     "another task is allowed, as in Go, "
     "but nobody is left who would. The same is said of a semaphore whose units nobody gives back, "
     "and of Go() in an ErrGroup that is at its limit while none of its tasks ends.\n"
     "\n"
     "Fix: stranded::MutexLock or absl::Cleanup instead of a bare Unlock(), so that early returns "
     "and "
     "exceptions unlock, too. (std::lock_guard does, but hides from reports where it stands.)"},
    &Check,
    &Sentence,
    &Explain};

}  // namespace stranded::detector
