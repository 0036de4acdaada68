#include "detector/rules/wait_chain.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "detector/rules/evidence.h"

namespace stranded::detector {
namespace {

constexpr std::size_t kMostLinks = 32;

struct Server {
  Id task = 0;
  std::string why;  // "which holds it since a.cc:3"
};

Server CountedIn(const Situation& s, const Task& waiter, const Sync& group) {
  const Task* counted = CountedAndBlocked(s, waiter, group);
  if (counted == nullptr || !CertainlyCounted(s, *counted, group)) return {};
  return {counted->id,
          counted->group == group.id ? "which it counts" : "which may be one of those it counts"};
}

Server ServerOfSync(const Situation& s, const Task& task) {
  const Sync* sync = s.snap().syncs.Find(task.sync);
  if (sync == nullptr) return {};
  if (IsLockWait(task.wait)) {
    const Task* holder = s.HolderFor(task);
    if (holder == nullptr) return {};
    const SiteId since = s.HeldAt(*holder, *sync);
    return {holder->id, since == 0 ? "which stands before it"
                                   : absl::StrCat("which holds it since ", Place(s, since))};
  }
  if (task.wait == WaitKind::kWaitGroupWait) return CountedIn(s, task, *sync);
  if (task.wait == WaitKind::kCondWait && sync->last_signal.task != 0) {
    return {sync->last_signal.task,
            absl::StrCat("which signalled last, at ", Place(s, sync->last_signal.site))};
  }
  if (task.wait == WaitKind::kOnceWait) return {sync->holder_task, "which runs it"};
  if (task.wait == WaitKind::kSemaphoreAcquire && sync->role == SyncRole::kUser) {
    return {sync->last_add.task,
            absl::StrCat("which was the last to acquire, at ", Place(s, sync->last_add.site))};
  }
  return {};
}

Server ServerOf(const Situation& s, const Task& task) {
  if (task.wait == WaitKind::kJoin) return {task.join_task, "which it joins"};
  if (task.sync != 0) return ServerOfSync(s, task);
  const Channel* channel = s.ChannelOf(task);
  const WaitCase* first = s.FirstCase(task);
  if (channel == nullptr || first == nullptr) return {};
  const bool sends = first->op == CaseOp::kSend;
  const Peer& peer = sends ? channel->last_receiver : channel->last_sender;
  if (peer.task == 0 || peer.task == task.id) return {};
  return {peer.task, absl::StrCat("which was the last to ", sends ? "receive" : "send", ", at ",
                                  Place(s, peer.site))};
}

std::string Link(const Situation& s, const Task& task) {
  std::string line = absl::StrCat(TaskText(task), " is blocked ", WaitText(s.snap(), task), " at ",
                                  Place(s, task.wait_site));
  if (const Channel* channel = s.ChannelOf(task)) {
    absl::StrAppend(&line, " (made at ", Place(s, channel->site), ")");
  } else if (const Sync* sync = s.snap().syncs.Find(task.sync)) {
    absl::StrAppend(&line, " (", SyncText(*sync), " made at ", Place(s, sync->site), ")");
  } else if (WaitsForEnd(s.snap(), task)) {
    absl::StrAppend(&line, " (", ContextAwaited(s, task), ")");
  }
  return line;
}

}  // namespace

const Task* CountedAndBlocked(const Situation& s, const Task& waiter, const Sync& group) {
  for (const std::uint32_t position : s.MembersOf(group.id)) {
    const Task& member = s.snap().tasks.all()[position];
    if (s.Blocked(member) && member.id != waiter.id) return &member;
  }
  if (s.CountsMembersOnly(group)) return nullptr;
  const Task* first = s.BlockedChildOf(group.last_add.task, waiter.id);
  const Task* own = s.BlockedChildOf(waiter.id, waiter.id);
  if (first == nullptr || (own != nullptr && own->id < first->id)) first = own;
  return first != nullptr && first->id == group.last_done.task ? nullptr : first;
}

bool CertainlyCounted(const Situation& s, const Task& task, const Sync& group) {
  return task.group == group.id || group.role == SyncRole::kErrGroup || group.last_done.task == 0 ||
         SpawnOf(s, group.last_done.task) == nullptr ||
         StartedAlike(s, task.id, group.last_done.task);
}

bool WaitsInCircle(const Situation& s, const Task& start) {
  std::vector<Id> seen;
  for (const Task* at = &start; at != nullptr && s.Blocked(*at) && seen.size() < kMostLinks;) {
    if (std::find(seen.begin(), seen.end(), at->id) != seen.end()) return true;
    seen.push_back(at->id);
    at = s.snap().tasks.Find(ServerOf(s, *at).task);
  }
  return false;
}

std::vector<std::string> WaitChain(const Situation& s, const Task& start) {
  std::vector<std::string> lines{Link(s, start)};
  std::vector<Id> seen{start.id};
  const Task* at = &start;
  while (lines.size() < 2 * kMostLinks) {
    const Server server = ServerOf(s, *at);
    if (server.task == 0) break;
    lines.push_back(absl::StrCat("  it waits for ", TaskText(s, server.task), ", ", server.why));
    if (std::find(seen.begin(), seen.end(), server.task) != seen.end()) {
      lines.push_back("  and so the circle is closed");
      return lines;
    }
    const Task* next = s.snap().tasks.Find(server.task);
    if (next == nullptr || !s.Blocked(*next) || next->wait == WaitKind::kLeakCheck) {
      lines.push_back(absl::StrCat("  ", Present(s, server.task)));
      break;
    }
    seen.push_back(next->id);
    lines.push_back(Link(s, *next));
    at = next;
  }
  if (lines.size() < 3 || seen.size() < 2) return {};
  return lines;
}

}  // namespace stranded::detector
