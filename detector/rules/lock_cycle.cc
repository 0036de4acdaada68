#include <map>
#include <set>

#include "absl/strings/str_cat.h"
#include "detector/fixes/fixes.h"
#include "detector/rules/rule.h"

namespace stranded::detector {
namespace {

Match Check(const Situation& s, const Task& task) {
  const LockChain& chain = s.Chain(task);
  if (chain.end != ChainEnd::kCycle) return {};
  return Stuck(s, task, true, {.root = chain.root->id});
}

std::string Sentence(const Situation& s, const Group& group, const std::string&, bool) {
  std::size_t in_cycle = 0;
  for (const Task* task : group.tasks) in_cycle += s.Chain(*task).in_cycle;
  return absl::StrCat(in_cycle, " tasks wait for each other's locks in a cycle");
}

// All members of the cycle wait for the same lock.
bool OneLock(const Situation& s, const Task& root) {
  const Task* at = &root;
  for (std::size_t steps = 0; steps < 1000; ++steps) {
    at = s.HolderFor(*at);
    if (at == nullptr || at->sync != root.sync) return false;
    if (at == &root) return true;
  }
  return false;
}

// Different locks of the cycle that were made at one place: the place alone would read as one lock.
std::set<Id> Twins(const Situation& s, const Task& root) {
  std::map<SiteId, std::set<Id>> by_site;
  const Task* at = &root;
  for (std::size_t steps = 0; at != nullptr && steps < 1000; ++steps) {
    if (const Sync* sync = s.snap().syncs.Find(at->sync)) by_site[sync->site].insert(sync->id);
    at = s.HolderFor(*at);
    if (at == &root) break;
  }
  std::set<Id> twins;
  for (const auto& [site, ids] : by_site) {
    if (ids.size() > 1) twins.insert(ids.begin(), ids.end());
  }
  return twins;
}

void Explain(const Situation& s, const Group& group, FindingData& out) {
  const Task* root = s.Chain(*group.tasks.front()).root;
  if (root == nullptr) return;
  const std::set<Id> twins = Twins(s, *root);
  std::size_t before = 0;
  for (const Task* task : group.tasks) before += !s.Chain(*task).in_cycle;
  const Task* at = root;
  do {
    const Sync* sync = s.snap().syncs.Find(at->sync);
    const Task* holder = s.HolderFor(*at);
    if (sync == nullptr || holder == nullptr) break;
    out.graph.push_back(absl::StrCat(
        TaskText(*at), " waits at ", Place(s, at->wait_site), " for the ", SyncText(*sync),
        twins.contains(sync->id) ? absl::StrCat(" sync:", sync->id) : "", " made at ",
        Place(s, sync->site)));
    const bool queued = sync->holder_task != holder->id && holder->sync == sync->id &&
                        holder->wait == WaitKind::kRwMutexLock;
    const SiteId since = s.HeldAt(*holder, *sync);
    out.graph.push_back(
        absl::StrCat(queued ? "  behind the writer " : "  held by ", TaskText(*holder),
                     since == 0 ? std::string() : absl::StrCat(" since ", Place(s, since))));
    at = holder;
  } while (at != root && out.graph.size() < 200);
  if (before > 0) {
    out.notes.push_back(absl::StrCat(before, before == 1 ? " more task waits" : " more tasks wait",
                                     " for a lock of the cycle."));
  }
  if (!twins.empty()) {
    out.notes.push_back(
        "Locks of this cycle were made at one place: they are members of one object, or of several "
        "of one type, for which an order by address or by a number will do.");
  }
  if (OneLock(s, *root)) {
    out.notes.push_back(
        "It is one lock: a task that has it for reading asks for it again, and a writer has come "
        "in between. A waiting writer stops new readers, and waits for those that are in.");
    const Task* const other = s.HolderFor(*root);
    const bool writes = root->wait != WaitKind::kRwMutexRLock && other != nullptr;
    const Task& reader = writes ? *other : *root;
    out.fixes.push_back(SimpleFix(
        FixKind::kUnlock, SiteText(s, reader.wait_site),
        absl::StrCat("Do not read-lock again at ", Place(s, reader.wait_site),
                     ": call a variant that expects the lock to be held, or unlock first."),
        "Read locks of an RWMutex are not recursive, as in Go."));
    return;
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
