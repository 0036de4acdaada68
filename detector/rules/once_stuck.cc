#include "absl/strings/str_cat.h"
#include "detector/fixes/fixes.h"
#include "detector/rules/rule.h"

namespace stranded::detector {
namespace {

Match Check(const Situation& s, const Task& task) {
  if (task.wait != WaitKind::kOnceWait) return {};
  return Stuck(s, task, false);
}

std::string Sentence(const Situation&, const Group&, const std::string& who, bool) {
  return absl::StrCat(who, " blocked waiting for a Once whose first call never returns");
}

void Explain(const Situation& s, const Group& group, FindingData& out) {
  const Sync* sync = s.snap().syncs.Find(group.tasks.front()->sync);
  if (sync == nullptr || sync->holder_task == 0) return;
  out.peer.push_back(absl::StrCat("The first call was by ", TaskText(s, sync->holder_task), " at ",
                                  Place(s, sync->holder_site), "; ", Present(s, sync->holder_task),
                                  "."));
  out.fixes.push_back(SimpleFix(FixKind::kStopTask, SiteText(s, sync->holder_site),
                                absl::StrCat("See why the function of the Once at ",
                                             Place(s, sync->holder_site), " does not return."),
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
