#include "absl/strings/str_cat.h"
#include "detector/fixes/fixes.h"
#include "detector/rules/rule.h"

namespace stranded::detector {
namespace {

Match Check(const Situation& s, const Task& task) {
  if (s.Chain(task).end != ChainEnd::kSelf) return {};
  return Stuck(s, task, true);
}

std::string Sentence(const Situation& s, const Group& group, const std::string& who, bool many) {
  const Sync* sync = s.snap().syncs.Find(group.tasks.front()->sync);
  return absl::StrCat(who, " blocked on a ", sync == nullptr ? "lock" : SyncText(*sync),
                      many ? " that they hold themselves" : " that it holds itself");
}

void Explain(const Situation& s, const Group& group, FindingData& out) {
  const Task& task = *group.tasks.front();
  const Sync* sync = s.snap().syncs.Find(task.sync);
  if (sync == nullptr) return;
  const SourceSite held = SiteText(s, s.HeldAt(task, *sync));
  out.graph.push_back(absl::StrCat(TaskText(task), " holds the ", SyncText(*sync), " made at ",
                                   Place(s, sync->site), " since ", held.ToString()));
  out.graph.push_back(absl::StrCat(TaskText(task), " waits for the same ", SyncText(*sync), " at ",
                                   Place(s, task.wait_site)));
  out.fixes.push_back(SimpleFix(
      FixKind::kUnlock, held,
      absl::StrCat("Unlock what is locked at ", held.ToString(), " before it is locked again at ",
                   Place(s, task.wait_site), ", or pass the fact that it is held."),
      "Mutex and RWMutex are not recursive, as in Go."));
}

}  // namespace

const Rule kSelfDeadlock = {
    {"self-deadlock", "a task waits for a lock that it holds itself",
     "Mutex and RWMutex are not recursive. A task that locks what it already holds, or takes the "
     "write "
     "lock while it reads, waits for itself.\n"
     "\n"
     "Fix: unlock first, or split the function into one that locks and one that expects the lock."},
    &Check,
    &Sentence,
    &Explain};

}  // namespace stranded::detector
