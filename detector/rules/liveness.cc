#include "detector/rules/liveness.h"

#include <algorithm>

#include "detector/rules/climb.h"
#include "detector/rules/situation.h"

namespace stranded::detector {

Liveness::Liveness(const Situation& s)
    : s_(s),
      snap_(s.snap()),
      check_(snap_.reason == "check" || snap_.reason == "exit" || snap_.reason == "deadlock"),
      request_(snap_.reason == "request"),
      may_go_on_(snap_.tasks.size()),
      served_(snap_.tasks.size()) {
  for (const Scope& scope : snap_.scopes.all()) {
    if (scope.ended) finished_scope_owners_.insert(scope.task);
  }
  for (const Timer& timer : snap_.timers) {
    if (timer.kind == TimerKind::kChannel) due_channels_.insert(timer.object);
    if (timer.kind == TimerKind::kContext) due_contexts_.insert(timer.object);
  }
  FindEnds();
  for (const Task& task : snap_.tasks.all()) {
    if (task.state != TaskState::kFinished && Moves(task)) NoteMover(task);
  }
  if (queue_.empty()) return;  // nobody could serve anybody
  served_by_children_.resize(snap_.tasks.size());
  first_edge_.assign(snap_.tasks.size(), IdIndex::kNone);
  ancestors_.resize(snap_.spawns.size());
  for (const Task& task : snap_.tasks.all()) {
    if (s_.Blocked(task) && !MayGoOn(task)) AddServers(task);
  }
  while (!queue_.empty()) {
    const Task& task = snap_.tasks.all()[queue_.back()];
    queue_.pop_back();
    Spread(task);
  }
}

// Chains in a damaged dump may be circular: those are given the doubt.
void Liveness::FindEnds() {
  ends_soon_ = NearestAbove(
      snap_.contexts,
      [&](const Context& c) {
        if (c.err != ContextErr::kNone || c.timer_pending || due_contexts_.contains(c.id)) {
          return Climb::kFound;
        }
        return c.kind == ContextKind::kWithoutCancel ? Climb::kNothing : Climb::kUp;
      },
      true);
}

// The task that runs the check: what it left behind cannot count on it any more.
bool Liveness::LooksOn(const Task& task) const {
  if (s_.options().caller_goes_on) return false;
  if (task.wait == WaitKind::kLeakCheck) return true;
  if (!check_ || task.state != TaskState::kRunning) return false;
  const World* world = snap_.worlds.Find(task.world);
  return task.is_main || finished_scope_owners_.contains(task.id) ||
         (world != nullptr && world->quiet);
}

bool Liveness::Moves(const Task& task) const {
  if (LooksOn(task)) return false;
  if (task.wait == WaitKind::kLeakCheck) return true;
  return !s_.Blocked(task) || WaitIsOver(task);
}

bool Liveness::EndIsDue(Id context) const {
  return NearestOf(snap_.contexts, ends_soon_, context) != nullptr;
}

std::uint32_t Liveness::OwnOffers(const Task& task, Id channel, CaseOp op) const {
  // Counted for each case: not in selects that nobody writes, whose square would be felt.
  constexpr std::uint32_t kMostCases = 1024;
  std::uint32_t count = 0;
  for (std::uint32_t i = 0; i < std::min<std::uint32_t>(task.case_count, kMostCases); ++i) {
    const WaitCase& c = snap_.cases[task.first_case + i];
    count += c.channel == channel && c.op == op;
  }
  return count;
}

// The operation could go through now, or a timer will let it: the task was seen in mid-flight.
bool Liveness::CaseReady(const Task& task, const WaitCase& c) const {
  if (c.op == CaseOp::kDone) return EndIsDue(c.context);
  const Channel* channel = snap_.channels.Find(c.channel);
  if (channel == nullptr) return false;
  if (channel->role == ChannelRole::kContextDone) return EndIsDue(channel->context);
  if (channel->closed) return true;
  if (c.op == CaseOp::kRecv) {
    return channel->length > 0 || channel->timer_armed || due_channels_.contains(channel->id) ||
           channel->waiting_senders > OwnOffers(task, channel->id, CaseOp::kSend);
  }
  return channel->length < channel->capacity ||
         channel->waiting_receivers > OwnOffers(task, channel->id, CaseOp::kRecv);
}

bool Liveness::WaitIsOver(const Task& task) const {
  if (task.until_ns > 0) return true;
  for (std::uint32_t i = 0; i < task.case_count; ++i) {
    if (CaseReady(task, snap_.cases[task.first_case + i])) return true;
  }
  if (task.wait == WaitKind::kJoin) {
    const Task* joined = snap_.tasks.Find(task.join_task);
    return joined == nullptr || joined->state == TaskState::kFinished;
  }
  const Sync* sync = snap_.syncs.Find(task.sync);
  if (sync == nullptr) return false;
  if (task.wait == WaitKind::kWaitGroupWait) return sync->counter <= 0;
  if (task.wait == WaitKind::kMutexLock || task.wait == WaitKind::kRwMutexLock) {
    return sync->holder_task == 0 && sync->readers == 0;
  }
  return false;
}

void Liveness::NoteMover(const Task& task) {
  const std::size_t i = snap_.tasks.PositionOf(task);
  may_go_on_[i] = served_[i] = 1;
  queue_.push_back(static_cast<std::uint32_t>(i));
  worlds_.insert(task.world);
  if (!(request_ && task.is_main && task.state == TaskState::kRunning)) {
    busy_worlds_.insert(task.world);
  }
  if (task.daemon) return;
  at_work_ = true;
  Id scope = task.scope;
  while (scope != 0 && scopes_.insert(scope).second) {
    const Scope* node = snap_.scopes.Find(scope);
    scope = node == nullptr ? 0 : node->parent;
  }
}

void Liveness::Wait(const Task& waiter, Id server, Tie tie) {
  if (server == 0 || server == waiter.id) return;
  const std::uint32_t at = snap_.tasks.PositionOfId(server);
  if (at == IdIndex::kNone) return;  // it is gone, and will not go on
  edges_.push_back(
      {static_cast<std::uint32_t>(snap_.tasks.PositionOf(waiter)), first_edge_[at], tie});
  first_edge_[at] = static_cast<std::uint32_t>(edges_.size() - 1);
}

void Liveness::WaitForChild(const Task& waiter, Id ancestor) {
  const auto position = static_cast<std::uint32_t>(snap_.tasks.PositionOf(waiter));
  if (ancestor == waiter.id) {
    served_by_children_[position] = 1;
  } else if (ancestor != 0) {
    by_ancestor_[ancestor].push_back(position);
  }
}

void Liveness::AddChannelServers(const Task& task, const WaitCase& c) {
  const Channel* channel = snap_.channels.Find(c.channel);
  if (channel == nullptr) return;
  const bool sends = c.op == CaseOp::kSend;
  const Peer& peer = sends ? channel->last_receiver : channel->last_sender;
  if (NotNoted(*channel, !sends)) {  // anybody who moves may be the one
    Free(static_cast<std::uint32_t>(snap_.tasks.PositionOf(task)), Tie::kKnown);
    return;
  }
  // One that left for another case, or found the channel closed, is not counted on.
  if (peer.outcome == PeerOutcome::kCompleted || peer.outcome == PeerOutcome::kWaiting) {
    Wait(task, peer.task);
  } else if (peer.outcome == PeerOutcome::kNone) {
    Wait(task, channel->creator_task, Tie::kGuess);
  }
  if (c.op == CaseOp::kRecv) WaitForChild(task, task.id);
}

void Liveness::AddSyncServers(const Task& task) {
  const Sync* sync = snap_.syncs.Find(task.sync);
  if (sync == nullptr) return;
  if (task.wait == WaitKind::kWaitGroupWait && s_.CountsMembersOnly(*sync)) {
    by_group_[sync->id].push_back(static_cast<std::uint32_t>(snap_.tasks.PositionOf(task)));
    return;
  }
  for (const Id id :
       {sync->holder_task, sync->last_add.task, sync->last_done.task, sync->last_signal.task}) {
    Wait(task, id);
  }
  WaitForChild(task, task.id);
  if (sync->last_add.task != task.id) WaitForChild(task, sync->last_add.task);
}

void Liveness::AddServers(const Task& task) {
  if (IsLockWait(task.wait)) {
    if (const Task* holder = s_.HolderFor(task)) Wait(task, holder->id);
    return;
  }
  if (task.wait == WaitKind::kJoin) Wait(task, task.join_task);
  for (std::uint32_t i = 0; i < task.case_count; ++i) {
    AddChannelServers(task, snap_.cases[task.first_case + i]);
  }
  AddSyncServers(task);
}

void Liveness::Free(std::uint32_t waiter, Tie tie) {
  if (tie == Tie::kKnown) served_[waiter] = 1;
  if (may_go_on_[waiter] != 0) return;
  may_go_on_[waiter] = 1;
  queue_.push_back(waiter);
}

void Liveness::MarkAncestors(const Task& task) {
  const SpawnNode* const own = snap_.spawns.Find(task.spawn);
  std::uint32_t at = own == nullptr ? IdIndex::kNone : snap_.spawns.PositionOfId(own->parent);
  while (at != IdIndex::kNone && ancestors_[at] == 0) {
    ancestors_[at] = 1;
    const SpawnNode& node = snap_.spawns.all()[at];
    if (node.task != task.id) {
      const std::uint32_t above = snap_.tasks.PositionOfId(node.task);
      if (above != IdIndex::kNone && served_by_children_[above] != 0) {
        Free(above, Tie::kKnown);
      }
      if (const auto it = by_ancestor_.find(node.task); it != by_ancestor_.end()) {
        for (const std::uint32_t waiter : it->second) Free(waiter, Tie::kKnown);
        it->second.clear();
      }
    }
    at = snap_.spawns.PositionOfId(node.parent);
  }
}

void Liveness::Spread(const Task& task) {
  std::uint32_t& edge = first_edge_[snap_.tasks.PositionOf(task)];
  for (; edge != IdIndex::kNone; edge = edges_[edge].next) {
    Free(edges_[edge].waiter, edges_[edge].tie);
  }
  if (const auto it = by_group_.find(task.group); task.group != 0 && it != by_group_.end()) {
    for (const std::uint32_t waiter : it->second) Free(waiter, Tie::kKnown);
    it->second.clear();
  }
  MarkAncestors(task);
}

}  // namespace stranded::detector
