#include <algorithm>

#include "absl/strings/str_cat.h"
#include "detector/fixes/fixes.h"
#include "detector/rules/evidence.h"
#include "detector/rules/rule.h"

namespace stranded::detector {
namespace {

// The task that is blocked on something else while it holds a lock that others wait for.
const Task* RootOf(const Situation& s, const Task& task) {
  const LockChain& chain = s.Chain(task);
  return chain.end == ChainEnd::kHolder ? chain.root : nullptr;
}

// Whether one of the group was the last on the other side of the channel: then the lock alone keeps
// the two apart.
bool PeerIsAmong(const Situation& s, const Group& group, const Task& root) {
  const Channel* channel = s.ChannelOf(root);
  if (channel == nullptr) return true;
  const bool sends = root.wait == WaitKind::kChanSend;
  const Id peer = sends ? channel->last_receiver.task : channel->last_sender.task;
  if (peer == 0) return true;  // nobody came there yet
  return std::any_of(group.tasks.begin(), group.tasks.end(),
                     [&](const Task* task) { return task->id == peer; });
}

bool HoldsWanted(const Situation& s, const Task& task) {
  if (!s.Blocked(task) || IsLockWait(task.wait) || task.wait == WaitKind::kSleep) return false;
  for (const Sync* sync : s.LocksHeldBy(task)) {
    if (sync->waiters > 0) return true;
  }
  return false;
}

Match Check(const Situation& s, const Task& task) {
  const Task* root = RootOf(s, task);
  if (root == nullptr && HoldsWanted(s, task)) root = &task;
  if (root == nullptr || IsLockWait(root->wait)) return {};
  if (root->wait == WaitKind::kLeakCheck) return {};
  return Stuck(s, task, false, {.root = root->id});
}

std::string Sentence(const Situation& s, const Group& group, const std::string&, bool) {
  const Task* root = RootOf(s, *group.tasks.front());
  if (root == nullptr) root = group.tasks.front();
  const std::size_t others = group.tasks.size() - 1;
  return absl::StrCat(TaskText(*root), " is blocked ", WaitText(root->wait),
                      " while it holds a lock that ", others,
                      others == 1 ? " other task waits for" : " other tasks wait for");
}

void Explain(const Situation& s, const Group& group, FindingData& out) {
  const Task* root = RootOf(s, *group.tasks.front());
  if (root == nullptr) root = group.tasks.front();
  SourceSite held;
  for (const Sync* sync : s.LocksHeldBy(*root)) {
    if (sync->waiters == 0) continue;
    held = SiteText(s, s.HeldAt(*root, *sync));
    out.graph.push_back(absl::StrCat(TaskText(*root), " holds the ", SyncText(*sync), " made at ",
                                     Place(s, sync->site), " since ", held.ToString()));
  }
  const Channel* channel = s.ChannelOf(*root);
  out.graph.push_back(absl::StrCat(
      TaskText(*root), " is blocked ", WaitText(root->wait), " at ", Place(s, root->wait_site),
      channel == nullptr ? "" : absl::StrCat(" (made at ", Place(s, channel->site), ")")));
  for (const Task* task : group.tasks) {
    if (task == root || out.graph.size() > 20) continue;
    out.graph.push_back(
        absl::StrCat(TaskText(*task), " waits for the lock at ", Place(s, task->wait_site),
                     PeerIsAmong(s, group, *root) ? " and so cannot come to the other side" : ""));
  }
  if (root->wait == WaitKind::kChanSend || root->wait == WaitKind::kChanRecv) {
    out.notes.push_back(
        "A larger buffer would hide this, not end it: as long as the lock is held "
        "across the operation, the next full buffer brings it back.");
  }
  out.fixes.push_back(
      SimpleFix(FixKind::kReleaseBeforeWait, held.known() ? held : SiteText(s, root->wait_site),
                absl::StrCat("Release the lock taken at ", held.ToString(),
                             " before the operation at ", Place(s, root->wait_site), "."),
                PeerIsAmong(s, group, *root)
                    ? "The other side needs that lock before it can come to the channel."
                    : "Those that wait for the lock can then go on."));
  if (PeerIsAmong(s, group, *root) || !out.peer.empty()) return;
  const Channel* there = s.ChannelOf(*root);
  for (std::string& line : DescribePeer(s, *root, *there)) out.notes.push_back(std::move(line));
}

}  // namespace

const Rule kLockChanCycle = {
    {"lock-chan-cycle", "a task blocks on a channel while it holds a lock that others need",
     "A task holds a lock and blocks on a channel (or a WaitGroup, or the like), and the tasks "
     "that "
     "could serve it wait for that lock. Neither side can move.\n"
     "\n"
     "Fix: release the lock before the blocking operation. A buffer only moves the problem to the "
     "next "
     "full buffer."},
    &Check,
    &Sentence,
    &Explain};

}  // namespace stranded::detector
