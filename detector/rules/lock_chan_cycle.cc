#include <algorithm>
#include <vector>

#include "absl/strings/str_cat.h"
#include "detector/fixes/fixes.h"
#include "detector/rules/rule.h"

namespace stranded::detector {
namespace {

// The task that is blocked on something else while it holds a lock that others wait for.
const Task* RootOf(const Situation& s, const Task& task) {
  const LockChain& chain = s.Chain(task);
  return chain.end == ChainEnd::kHolder ? chain.root : nullptr;
}

bool HoldsWanted(const Situation& s, const Task& task) {
  if (!s.Blocked(task) || IsLockWait(task.wait) || task.wait == WaitKind::kSleep) return false;
  for (const Sync* sync : s.LocksHeldBy(task)) {
    if (sync->waiters > 0) return true;
  }
  return false;
}

std::vector<Id> WantedLocksOf(const Situation& s, const Task& task) {
  std::vector<Id> wanted;
  for (const Sync* sync : s.LocksHeldBy(task)) {
    if (sync->waiters > 0) wanted.push_back(sync->id);
  }
  std::sort(wanted.begin(), wanted.end());
  return wanted;
}

// Readers that block at one place hold the lock together: the first of them stands for all that
// keep others from no other lock.
const Task* FirstOfReaders(const Situation& s, const Task& root) {
  for (const Sync* sync : s.LocksHeldBy(root)) {
    if (sync->waiters == 0 || sync->readers < 2) continue;
    for (const Situation::ReadHold& hold : s.ReadersOf(sync->id)) {
      const Task& reader = *hold.task;
      if (reader.wait == root.wait && reader.wait_site == root.wait_site && s.Blocked(reader) &&
          WantedLocksOf(s, reader) == WantedLocksOf(s, root)) {
        return &reader;
      }
    }
  }
  return &root;
}

Match Check(const Situation& s, const Task& task) {
  const Task* root = RootOf(s, task);
  if (root == nullptr && HoldsWanted(s, task)) root = &task;
  if (root == nullptr || IsLockWait(root->wait)) return {};
  if (root->wait == WaitKind::kLeakCheck) return {};
  return Stuck(s, task, false, {.root = FirstOfReaders(s, *root)->id});
}

bool IsHolder(const Group& group, const Task* task) {
  return task == group.exemplar || !IsLockWait(task->wait);
}

// Those that are told with another holder count here, too.
std::uint64_t OthersWaiting(const Situation& s, const Group& group) {
  std::uint64_t wait = 0;
  for (const Task* task : group.tasks) wait += IsHolder(group, task) ? 0 : 1;
  if (wait > 0) return wait;
  for (const Sync* sync : s.LocksHeldBy(*group.exemplar)) wait += sync->waiters;
  return wait;
}

std::string Sentence(const Situation& s, const Group& group, const std::string&, bool) {
  const Task& root = *group.exemplar;
  const auto holders = std::count_if(group.tasks.begin(), group.tasks.end(),
                                     [&](const Task* task) { return IsHolder(group, task); });
  const std::uint64_t others = OthersWaiting(s, group);
  return absl::StrCat(
      holders > 1 ? absl::StrCat(holders, " tasks are blocked ") : TaskText(root) + " is blocked ",
      WaitText(root.wait),
      holders > 1 ? " while they hold a lock that " : " while it holds a lock that ", others,
      others == 1 ? " other task waits for" : " other tasks wait for");
}

constexpr std::size_t kMostChainLines = 20;

// What holds whom, one a line. Returns where the lock was taken.
SourceSite DescribeWaits(const Situation& s, const Group& group, FindingData& out) {
  const Task& root = *group.exemplar;
  SourceSite held;
  for (const Sync* sync : s.LocksHeldBy(root)) {
    if (sync->waiters == 0) continue;
    held = SiteText(s, s.HeldAt(root, *sync));
    out.graph.push_back(absl::StrCat(TaskText(root), " holds the ", SyncText(*sync), " made at ",
                                     Place(s, sync->site), " since ", held.ToString()));
  }
  const Channel* channel = s.ChannelOf(root);
  out.graph.push_back(absl::StrCat(
      TaskText(root), " is blocked ", WaitText(root.wait), " at ", Place(s, root.wait_site),
      channel == nullptr ? "" : absl::StrCat(" (made at ", Place(s, channel->site), ")")));
  for (const Task* task : group.tasks) {
    if (task == &root || out.graph.size() > kMostChainLines) continue;
    out.graph.push_back(absl::StrCat(
        TaskText(*task),
        IsHolder(group, task) ? " holds it, too, and is blocked at " : " waits for the lock at ",
        Place(s, task->wait_site)));
  }
  return held;
}

// The last to come to the other side of the channel is over.
bool OtherSideIsGone(const Situation& s, const Task& root) {
  const Channel* const channel = s.ChannelOf(root);
  if (channel == nullptr) return false;
  const bool sends = root.wait == WaitKind::kChanSend;
  const Peer& peer = sends ? channel->last_receiver : channel->last_sender;
  if (peer.task == 0) return false;  // whoever is to come may wait for the lock
  const Task* const task = s.snap().tasks.Find(peer.task);
  return task == nullptr || task->state == TaskState::kFinished;
}

// Then the lock is half of it.
void ProposeLeaving(const Situation& s, const Task& root, FindingData& out) {
  const bool sends = root.wait == WaitKind::kChanSend;
  const SourceSite site = SiteText(s, root.wait_site);
  out.fixes.push_back(SimpleFix(
      FixKind::kAddContextCase, site,
      absl::StrCat("At ", site.ToString(), ", not under the lock, ", sends ? "send" : "receive",
                   " in a Select beside a channel that is closed, or a context that is cancelled, "
                   "when the other side leaves."),
      absl::StrCat("The others can then go on, and so can this task: nobody who ",
                   sends ? "received" : "sent", " there is left.")));
}

void Explain(const Situation& s, const Group& group, FindingData& out) {
  const Task& root = *group.exemplar;
  const SourceSite held = DescribeWaits(s, group, out);
  const bool plain = root.wait == WaitKind::kChanSend || root.wait == WaitKind::kChanRecv;
  if (plain) {
    out.notes.push_back(
        "A larger buffer would hide this, not end it: as long as the lock is held "
        "across the operation, the next full buffer brings it back.");
  }
  Fix fix = SimpleFix(FixKind::kReleaseBeforeWait, held.known() ? held : out.wait_site,
                      absl::StrCat("Release the lock taken at ", held.ToString(),
                                   " before the operation at ", Place(s, root.wait_site), "."),
                      "Those that wait for the lock can then go on.");
  // What they do next is not recorded: one may only want to leave.
  if (plain) {
    fix.warnings.push_back(
        "Whether one of them then comes to the other side of the channel is not known.");
  }
  out.fixes.push_back(std::move(fix));
  if (plain && OtherSideIsGone(s, root)) ProposeLeaving(s, root, out);
}

}  // namespace

const Rule kLockChanCycle = {
    {"lock-chan-cycle", "a task blocks on a channel while it holds a lock that others need",
     "A task holds a lock and blocks on a channel (or a WaitGroup, or the like), and others wait "
     "for that lock, among them perhaps those that would serve it. Neither side can move.\n"
     "\n"
     "Fix: release the lock before the blocking operation. A buffer only moves the problem to the "
     "next full buffer. Whether those that waited for the lock then come to the channel is not "
     "recorded. Where the last to come to its other side has finished, the task must be able to "
     "leave, too: the report says so."},
    &Check,
    &Sentence,
    &Explain};

}  // namespace stranded::detector
