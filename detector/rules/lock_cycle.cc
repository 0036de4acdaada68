#include "absl/strings/str_cat.h"
#include "detector/fixes/fixes.h"
#include "detector/rules/rule.h"

namespace stranded::detector {
namespace {

Match Check(const Situation& s, const Task& task) {
  const LockChain& chain = s.Chain(task);
  if (chain.end != ChainEnd::kCycle) return {};
  return Stuck(s, task, true, absl::StrCat(chain.root->id));
}

std::string Sentence(const Situation& s, const Group& group, const std::string&, bool) {
  std::size_t in_cycle = 0;
  for (const Task* task : group.tasks) in_cycle += s.Chain(*task).in_cycle;
  return absl::StrCat(in_cycle, " tasks wait for each other's locks in a cycle");
}

void Explain(const Situation& s, const Group& group, FindingData& out) {
  const Task* root = s.Chain(*group.tasks.front()).root;
  std::size_t before = 0;
  for (const Task* task : group.tasks) before += !s.Chain(*task).in_cycle;
  const Task* at = root;
  do {
    const Sync* sync = s.snap().syncs.Find(at->sync);
    const Task* holder = s.HolderFor(*at);
    if (sync == nullptr || holder == nullptr) break;
    out.graph.push_back(absl::StrCat(TaskText(*at), " waits at ", Place(s, at->wait_site),
                                     " for the ", SyncText(*sync), " made at ",
                                     Place(s, sync->site)));
    out.graph.push_back(absl::StrCat("  held by ", TaskText(*holder),
                                     sync->holder_site == 0
                                         ? std::string()
                                         : absl::StrCat(" since ", Place(s, sync->holder_site))));
    at = holder;
  } while (at != root && out.graph.size() < 200);
  if (before > 0) {
    out.notes.push_back(absl::StrCat(before, before == 1 ? " more task waits" : " more tasks wait",
                                     " for a lock of the cycle."));
  }
  out.fixes.push_back(SimpleFix(
      FixKind::kLockOrder, SiteText(s, root->wait_site),
      "Take these locks in the same order everywhere, or let go of one before taking the next.",
      "With one order for all tasks no cycle can form."));
}

}  // namespace

const Rule kLockCycle = {
    {"lock-cycle", "tasks wait for each other's locks in a cycle",
     "Each task of the cycle holds a lock that the next one wants. None can ever go on.\n"
     "\n"
     "Fix: one order for the locks, followed everywhere; or release before the next is taken."},
    &Check,
    &Sentence,
    &Explain};

}  // namespace stranded::detector
