#include "absl/strings/str_cat.h"
#include "detector/fixes/fixes.h"
#include "detector/rules/rule.h"

namespace stranded::detector {
namespace {

Match Check(const Situation& s, const Task& task) {
  if (task.wait == WaitKind::kChanSend || task.wait == WaitKind::kChanRecv ||
      task.wait == WaitKind::kSelect || task.wait == WaitKind::kJoin ||
      task.wait == WaitKind::kNone)
    return {};
  return Cancelled(s, task);
}

std::string Sentence(const Situation& s, const Group& group, const std::string& who, bool many) {
  return absl::StrCat(who, " blocked ", WaitText(s.snap(), *group.tasks.front()), " although ",
                      many ? "their" : "its", " context has ended");
}

void Explain(const Situation& s, const Group& group, FindingData& out) {
  const Sync* sync = s.snap().syncs.Find(group.tasks.front()->sync);
  if (sync != nullptr && sync->kind == SyncKind::kWaitGroup) {
    out.notes.push_back(absl::StrCat("The WaitGroup's counter stands at ", sync->counter, "."));
  }
  out.notes.push_back(group.tasks.front()->wait == WaitKind::kSemaphoreAcquire
                          ? "It listens to a context that has not ended, and not to its task's."
                          : "Locks, wait groups and conditions do not listen to a context.");
  ProposeContextCase(s, group, out);
}

}  // namespace

const Rule kCancelledWait = {
    {"cancelled-wait",
     "a task still waits for a lock, WaitGroup or condition although its context ended",
     "Waits on locks, wait groups, conditions and the like do not end with a context. When the "
     "work is "
     "cancelled, whoever should have ended the wait has gone.\n"
     "\n"
     "Fix: see to it that the other side always unlocks, calls Done() or signals; or wait on a "
     "channel "
     "in a Select with OnDone(ctx)."},
    &Check,
    &Sentence,
    &Explain};

}  // namespace stranded::detector
