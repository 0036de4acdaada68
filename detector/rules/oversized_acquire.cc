#include "absl/strings/str_cat.h"
#include "detector/fixes/fixes.h"
#include "detector/rules/rule.h"

namespace stranded::detector {
namespace {

// A request above the limit does not stand in the queue of those that can be served. All units are
// free: who asked for no more than that would have them. Else the queue is looked at, which only
// means something where nothing moves.
bool AsksForMore(const Situation& s, const Task& task, const Sync& sync) {
  if (sync.kind != SyncKind::kSemaphore) return false;
  return sync.counter == sync.limit || (sync.waiters == 0 && s.Quiet(task));
}

// Its context may still end the wait.
bool ListensToAnEnd(const Situation& s, const Task& task) {
  for (std::uint32_t i = 0; i < task.case_count; ++i) {
    const WaitCase& c = s.snap().cases[task.first_case + i];
    if (c.op == CaseOp::kDone && s.CanEnd(c.context)) return true;
  }
  return false;
}

Match Check(const Situation& s, const Task& task) {
  if (task.wait != WaitKind::kSemaphoreAcquire) return {};
  const Sync* sync = s.snap().syncs.Find(task.sync);
  if (sync == nullptr || !AsksForMore(s, task, *sync)) return {};
  return Stuck(s, task, !ListensToAnEnd(s, task));
}

std::string Sentence(const Situation& s, const Group& group, const std::string& who, bool many) {
  const Sync& sync = *s.snap().syncs.Find(group.tasks.front()->sync);
  if (sync.role == SyncRole::kErrGroup) {
    return absl::StrCat(who, " blocked in Go() of an ErrGroup whose limit is ", sync.limit);
  }
  return absl::StrCat(who, " blocked asking a semaphore for more units than the ", sync.limit,
                      many ? " that theirs has" : " that it has");
}

void Explain(const Situation& s, const Group& group, FindingData& out) {
  const Task& task = *group.tasks.front();
  const Sync& sync = *s.snap().syncs.Find(task.sync);
  if (sync.role == SyncRole::kErrGroup) {
    out.fixes.push_back(
        SimpleFix(FixKind::kStopTask, SiteText(s, sync.site),
                  absl::StrCat("Set a limit of at least 1 at ", Place(s, sync.site), "."),
                  "With this one no task of the group can ever start."));
    return;
  }
  out.fixes.push_back(SimpleFix(
      FixKind::kStopTask, SiteText(s, task.wait_site),
      absl::StrCat("Ask for at most ", sync.limit, " at ", Place(s, task.wait_site),
                   ", or make the semaphore larger."),
      "What is above the limit can never be granted, however many units are given back."));
}

}  // namespace

const Rule kOversizedAcquire = {
    {"oversized-acquire", "a task asks for more units than its semaphore has",
     "A semaphore never has more units than it was made with. A request for more can never be "
     "granted: as in x/sync it waits for its context to end, and without one that ends it waits "
     "for ever. The same is Go() of an ErrGroup with a limit of 0.\n"
     "\n"
     "Fix: ask for less, or make the semaphore larger."},
    &Check,
    &Sentence,
    &Explain};

}  // namespace stranded::detector
