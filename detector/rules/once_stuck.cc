#include "absl/strings/str_cat.h"
#include "detector/fixes/fixes.h"
#include "detector/rules/rule.h"

namespace stranded::detector {
namespace {

// The task that runs the function waits for the same Once.
bool Recursive(const Situation& s, const Sync& once) {
  const Task* runner = s.snap().tasks.Find(once.holder_task);
  return runner != nullptr && runner->wait == WaitKind::kOnceWait && runner->sync == once.id;
}

// Those that wait behind a recursion are one finding with it.
Match Check(const Situation& s, const Task& task) {
  if (task.wait != WaitKind::kOnceWait) return {};
  const Sync* once = s.snap().syncs.Find(task.sync);
  const bool recursive = once != nullptr && once->holder_task != 0 && Recursive(s, *once);
  return Stuck(s, task, false, {.root = recursive ? once->holder_task : 0});
}

std::string Sentence(const Situation& s, const Group& group, const std::string& who, bool many) {
  const Sync* once = s.snap().syncs.Find(group.tasks.front()->sync);
  if (once == nullptr || once->holder_task == 0 || !Recursive(s, *once)) {
    return absl::StrCat(who, " blocked waiting for a Once whose first call never returns");
  }
  if (!many) return absl::StrCat(who, " blocked in Do() of a Once that it is running itself");
  const std::size_t others = group.tasks.size() - 1;
  return absl::StrCat(TaskText(s, once->holder_task),
                      " is blocked in Do() of a Once that it is running itself, and ", others,
                      others == 1 ? " other task waits" : " other tasks wait", " for it");
}

void Explain(const Situation& s, const Group& group, FindingData& out) {
  const Sync* once = s.snap().syncs.Find(group.tasks.front()->sync);
  if (once == nullptr || once->holder_task == 0) return;
  const Task* runner = s.snap().tasks.Find(once->holder_task);
  const SourceSite first = SiteText(s, once->holder_site);
  out.peer.push_back(absl::StrCat("The first call was by ", TaskText(s, once->holder_task), " at ",
                                  first.ToString(), "; ", Present(s, once->holder_task), "."));
  if (Recursive(s, *once)) {
    out.fixes.push_back(SimpleFix(
        FixKind::kStopTask, SiteText(s, runner->wait_site),
        absl::StrCat("Keep the Do() at ", Place(s, runner->wait_site),
                     " out of the function that the same Once runs at ", first.ToString(), "."),
        "Do() returns when the first call has returned, which is the one around it."));
    return;
  }
  const bool blocked = runner != nullptr && s.Blocked(*runner);
  out.fixes.push_back(
      SimpleFix(FixKind::kStopTask, blocked ? SiteText(s, runner->wait_site) : first,
                blocked ? absl::StrCat("Keep what blocks at ", Place(s, runner->wait_site),
                                       " out of the function of the Once at ", first.ToString(),
                                       ", or see to it that it ends.")
                        : absl::StrCat("See why the function of the Once at ", first.ToString(),
                                       " does not return."),
                "All later callers wait for it."));
}

}  // namespace

const Rule kOnceStuck = {{"once-stuck", "the first call of a Once never returns",
                          "Once::Do lets later callers wait until the first call has returned. "
                          "That call is stuck, or calls "
                          "Do() of the same Once again.\n"
                          "\n"
                          "Fix: keep blocking operations, and Do() itself, out of the function."},
                         &Check,
                         &Sentence,
                         &Explain};

}  // namespace stranded::detector
