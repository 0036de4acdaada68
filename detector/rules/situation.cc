#include "detector/rules/situation.h"

#include <algorithm>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "detector/model/event_kind.h"
#include "detector/rules/climb.h"

namespace stranded::detector {
namespace {

bool EndsByItself(ContextKind kind) {
  return kind == ContextKind::kCancel || kind == ContextKind::kDeadline ||
         kind == ContextKind::kTimeout;
}

// The nearest one at or above that can end; none behind a WithoutCancel.
Climb JudgeCanceller(const Context& c) {
  if (EndsByItself(c.kind)) return Climb::kFound;
  return c.kind == ContextKind::kWithoutCancel ? Climb::kNothing : Climb::kUp;
}

}  // namespace

bool IsLockWait(WaitKind kind) {
  return kind == WaitKind::kMutexLock || kind == WaitKind::kRwMutexRLock ||
         kind == WaitKind::kRwMutexLock;
}

namespace {

// With the focus that the dump was taken with, where nobody asks for another one.
AnalysisOptions Focused(AnalysisOptions options, const Snapshot& snap) {
  if (snap.focus == 0 || options.scope != 0 || options.world != 0) return options;
  options.scope = snap.focus;
  options.tasks_since = snap.focus_since_task;
  options.contexts_since_ns = snap.focus_since_ns;
  return options;
}

}  // namespace

Situation::Situation(const Dump& dump, const Snapshot& snapshot, const AnalysisOptions& options)
    : dump_(dump), snap_(snapshot), options_(Focused(options, snapshot)) {
  cancellers_ = NearestAbove(snap_.contexts, &JudgeCanceller);
  ended_scopes_ = NearestAbove(snap_.scopes,
                               [](const Scope& s) { return s.ended ? Climb::kFound : Climb::kUp; });
  expected_scopes_ = NearestAbove(
      snap_.scopes, [](const Scope& s) { return s.expected ? Climb::kFound : Climb::kUp; });
  focus_ = NearestAbove(snap_.scopes, [&](const Scope& s) {
    return s.id == options_.scope ? Climb::kFound : Climb::kUp;
  });
  IndexLocks();
  FollowChains();
}

const Liveness& Situation::Live() const {
  if (liveness_ == nullptr) {
    liveness_ = std::make_unique<Liveness>(*this);
    JudgeWorlds();
  }
  return *liveness_;
}

void Situation::JudgeWorlds() const {
  // In no pool anything moves, or nothing but who asked: the tasks of one may wake those of
  // another.
  bool pools_quiet = true, pools_still = true;
  for (const World& world : snap_.worlds.all()) {
    if (world.controlled) continue;
    if (!world.quiet || liveness_->WorldMoves(world.id)) pools_quiet = false;
    if (!world.quiet || liveness_->OthersMove(world.id)) pools_still = false;
  }
  for (const World& world : snap_.worlds.all()) {
    WorldFacts& facts = worlds_.emplace_back();
    const bool idle = world.runnable == 0 && world.running == 0 && world.external == 0;
    facts.settled = idle && ProgramOver();
    // What is missing may be who comes yet.
    if (!world.quiet || !NothingMissing()) continue;
    facts.quiet = !liveness_->WorldMoves(world.id) && (world.controlled || pools_quiet);
    facts.settled |= !liveness_->OthersMove(world.id) && (world.controlled || pools_still);
  }
}

bool NotNoted(const Channel& channel, bool senders) {
  if (channel.role != ChannelRole::kUser) return false;
  const Peer& peer = senders ? channel.last_sender : channel.last_receiver;
  const std::uint64_t completed = senders ? channel.sends_completed : channel.recvs_completed;
  return completed > 0 && peer.outcome == PeerOutcome::kNone;
}

bool Situation::NothingMissing() const {
  const Damage& damage = dump_.damage;
  return snap_.loss.tasks_unread == 0 && snap_.loss.packets_left_out == 0 &&
         damage.packets_bad == 0 && damage.bytes_skipped == 0 && !damage.cut;
}

bool Situation::Quiet(const Task& task) const {
  Live();
  const std::uint32_t world = snap_.worlds.PositionOfId(task.world);
  return world != IdIndex::kNone && worlds_[world].quiet;
}

std::uint32_t Situation::ThreadsBeside(const Task& task) const {
  const World* world = snap_.worlds.Find(task.world);
  return world != nullptr && world->controlled && Quiet(task) ? world->external : 0;
}

const Situation::FunctionsDue& Situation::FunctionsDueIn(Id world) const {
  static const FunctionsDue none;
  if (!functions_sought_) {
    for (const Timer& timer : snap_.timers) {
      if (timer.kind == TimerKind::kFunc) functions_due_[timer.world].timer = timer.site;
    }
    for (const Context& c : snap_.contexts.all()) {
      const bool open = c.has_after_func && c.err == ContextErr::kNone;
      if (open && Live().EndIsDue(c.id)) functions_due_[c.world].context = c.site;
    }
    functions_sought_ = true;
  }
  const auto it = functions_due_.find(world);
  return it == functions_due_.end() ? none : it->second;
}

bool Situation::Deadlocked(const Task& task) const {
  const World* world = snap_.worlds.Find(task.world);
  return world != nullptr && world->deadlock;
}

const Scope* Situation::EndedScope(const Task& task) const {
  return NearestOf(snap_.scopes, ended_scopes_, task.scope);
}

bool Situation::ScopeEnded(const Task& task) const { return EndedScope(task) != nullptr; }

bool Situation::ScopeStill(const Task& task) const {
  const Scope* scope = EndedScope(task);
  return scope != nullptr && NothingMissing() && !Live().ScopeMoves(scope->id);
}

bool Situation::InFocus(const Task& task) const {
  if (options_.world != 0 && task.world != options_.world) return false;
  // Who has come to a dead end began the scope, and is not in it.
  const World* world = snap_.worlds.Find(task.world);
  if (world != nullptr && world->deadlock && world->main_task == task.id) return true;
  return options_.scope == 0 || NearestOf(snap_.scopes, focus_, task.scope) != nullptr;
}

bool Situation::Expected(const Task& task) const {
  return NearestOf(snap_.scopes, expected_scopes_, task.scope) != nullptr;
}

std::int64_t Situation::Age(const Task& task) const {
  return task.since_ns == 0 ? 0 : std::max<std::int64_t>(0, snap_.NowFor(task) - task.since_ns);
}

AgeRange Situation::Ages(const Task& task) const {
  const std::int64_t age = Age(task);
  if (task.crowd == 0 || task.since_ns == 0) return {age, age};
  const TaskCrowd& crowd = snap_.crowds[task.crowd - 1];
  const std::int64_t now = snap_.NowFor(task);
  return {std::max<std::int64_t>(0, now - crowd.last_since_ns),
          std::max<std::int64_t>(0, now - crowd.first_since_ns)};
}

bool Situation::Settled(const Task& task, std::int64_t since_ns) const {
  if (Quiet(task) || ScopeEnded(task)) return true;
  // Idle but for the task that asked for the dump: time changes nothing.
  const std::uint32_t world = snap_.worlds.PositionOfId(task.world);
  if (world != IdIndex::kNone && worlds_[world].settled) return true;
  const std::int64_t since = std::max(since_ns, task.since_ns);
  return snap_.NowFor(task) - since >= absl::ToInt64Nanoseconds(options_.min_age);
}

const Context* Situation::EndedContext(const Task& task) const {
  const Context* canceller = NearestOf(snap_.contexts, cancellers_, task.context);
  return canceller == nullptr || canceller->err == ContextErr::kNone ? nullptr : canceller;
}

bool Situation::CanEnd(Id context) const {
  const std::uint32_t at = snap_.contexts.PositionOfId(context);
  return at == IdIndex::kNone || cancellers_[at] != nullptr;
}

const WaitCase* Situation::FirstCase(const Task& task) const {
  return task.case_count == 0 ? nullptr : &snap_.cases[task.first_case];
}

const Channel* Situation::ChannelOf(const Task& task) const {
  for (std::uint32_t i = 0; i < task.case_count; ++i) {
    const WaitCase& c = snap_.cases[task.first_case + i];
    if (c.op != CaseOp::kSend && c.op != CaseOp::kRecv) continue;
    if (const Channel* channel = snap_.channels.Find(c.channel)) return channel;
  }
  return nullptr;
}

void Situation::IndexLocks() {
  for (const Sync& sync : snap_.syncs.all()) {
    const bool lock = sync.kind == SyncKind::kMutex || sync.kind == SyncKind::kRwMutex;
    if (lock && sync.holder_task != 0) held_[sync.holder_task].push_back(&sync);
  }
  for (const Task& task : snap_.tasks.all()) {
    for (std::uint32_t i = 0; i < task.held_count; ++i) {
      const Sync* sync = snap_.syncs.Find(snap_.held[task.first_held + i].sync);
      if (sync == nullptr) continue;
      const Task*& reader = readers_[sync->id];
      // All readers must leave: one that can still go on settles it.
      if (reader == nullptr || !Blocked(task)) reader = &task;
      held_[task.id].push_back(sync);
      read_holds_[sync->id].push_back({&task, snap_.held[task.first_held + i].site});
    }
    if (!Blocked(task) || !IsLockWait(task.wait)) continue;
    lock_waiters_.push_back(static_cast<std::uint32_t>(snap_.tasks.PositionOf(task)));
    if (task.wait != WaitKind::kRwMutexLock) continue;
    const Task*& writer = writers_[task.sync];
    if (writer == nullptr || task.id < writer->id) writer = &task;
  }
}

const std::vector<const Sync*>& Situation::LocksHeldBy(const Task& task) const {
  static const auto& none = *new std::vector<const Sync*>;
  if (held_.empty()) return none;
  const auto it = held_.find(task.id);
  return it == held_.end() ? none : it->second;
}

SiteId Situation::HeldAt(const Task& task, const Sync& lock) const {
  if (lock.holder_task == task.id) return lock.holder_site;
  for (std::uint32_t i = 0; i < task.held_count; ++i) {
    const HeldLock& held = snap_.held[task.first_held + i];
    if (held.sync == lock.id) return held.site;
  }
  return 0;
}

const std::vector<Situation::ReadHold>& Situation::ReadersOf(Id sync) const {
  static const auto& none = *new std::vector<ReadHold>;
  const auto it = read_holds_.find(sync);
  return it == read_holds_.end() ? none : it->second;
}

const std::vector<const Channel*>& Situation::ChannelsMadeAt(SiteId site) const {
  static const auto& none = *new std::vector<const Channel*>;
  if (!channels_indexed_) {
    for (const Channel& c : snap_.channels.all()) channels_at_[c.site].push_back(&c);
    channels_indexed_ = true;
  }
  const auto it = channels_at_.find(site);
  return it == channels_at_.end() ? none : it->second;
}

std::size_t Situation::StartedAt(SiteId spawn) const {
  if (!starts_indexed_) {
    for (const Task& task : snap_.tasks.all()) {
      const SpawnNode* node = snap_.spawns.Find(task.spawn);
      if (node != nullptr) started_at_[node->site] += snap_.CountOf(task);
    }
    starts_indexed_ = true;
  }
  const auto it = started_at_.find(spawn);
  return it == started_at_.end() ? 0 : it->second;
}

// Of the channels in the snapshot, so that memory does not follow the history.
const RecordedSends& Situation::SendsRecorded() const {
  constexpr std::size_t kMostTasks = 1 << 16;  // of one channel; more tell nothing new
  if (sends_.has_value()) return *sends_;
  sends_.emplace();
  if (!snap_.events.HasKind(event_kind::kSend)) return *sends_;
  snap_.events.ForEach([&](const Event& e) {
    if (e.kind != event_kind::kSend || e.task == 0) return;
    const Channel* channel = snap_.channels.Find(e.object);
    if (channel == nullptr || channel->role != ChannelRole::kUser) return;
    auto& by = (*sends_)[e.object];
    if (by.size() < kMostTasks || by.contains(e.task)) by[e.task] += 1 + e.arg;
  });
  return *sends_;
}

std::span<const std::uint32_t> Situation::MembersOf(Id group) const {
  if (!members_indexed_) {
    std::vector<std::pair<Id, std::uint32_t>> members;
    for (const Task& task : snap_.tasks.all()) {
      if (task.group == 0 || task.state == TaskState::kFinished) continue;
      members.emplace_back(task.group, static_cast<std::uint32_t>(snap_.tasks.PositionOf(task)));
    }
    std::sort(members.begin(), members.end(), [this](const auto& a, const auto& b) {
      if (a.first != b.first) return a.first < b.first;
      return snap_.tasks.all()[a.second].id < snap_.tasks.all()[b.second].id;
    });
    for (const auto& [of, position] : members) {
      member_groups_.push_back(of);
      members_.push_back(position);
    }
    members_indexed_ = true;
  }
  const auto [first, last] = std::equal_range(member_groups_.begin(), member_groups_.end(), group);
  return std::span(members_).subspan(static_cast<std::size_t>(first - member_groups_.begin()),
                                     static_cast<std::size_t>(last - first));
}

bool Situation::CountsMembersOnly(const Sync& group) const {
  return group.counter > 0 && MembersOf(group.id).size() == static_cast<std::size_t>(group.counter);
}

const WaitCycles& Situation::Cycles() const {
  if (!cycles_.has_value()) cycles_.emplace(*this);
  return *cycles_;
}

// The two with the smallest ids are kept: one of them is not `except`.
const Task* Situation::BlockedChildOf(Id parent, Id except) const {
  if (!children_indexed_) {
    for (const Task& task : snap_.tasks.all()) {
      if (!Blocked(task) || task.is_main) continue;
      const SpawnNode* spawn = snap_.spawns.Find(task.spawn);
      const SpawnNode* above = spawn == nullptr ? nullptr : snap_.spawns.Find(spawn->parent);
      if (above == nullptr) continue;
      std::array<const Task*, 2>& kept = blocked_children_[above->task];
      if (kept[0] == nullptr || task.id < kept[0]->id) {
        kept = {&task, kept[0]};
      } else if (kept[1] == nullptr || task.id < kept[1]->id) {
        kept[1] = &task;
      }
    }
    children_indexed_ = true;
  }
  const auto it = blocked_children_.find(parent);
  if (it == blocked_children_.end()) return nullptr;
  return it->second[0]->id != except ? it->second[0] : it->second[1];
}

const Task* Situation::HolderFor(const Task& task) const {
  const Sync* sync = snap_.syncs.Find(task.sync);
  if (sync == nullptr) return nullptr;
  if (sync->holder_task != 0) return snap_.tasks.Find(sync->holder_task);
  if (task.wait == WaitKind::kRwMutexRLock) {
    // A waiting writer stops new readers, and itself waits for those that are in.
    const auto writer = writers_.find(sync->id);
    return writer == writers_.end() ? nullptr : writer->second;
  }
  for (std::uint32_t i = 0; i < task.held_count; ++i) {
    if (snap_.held[task.first_held + i].sync == sync->id) return &task;
  }
  const auto reader = readers_.find(sync->id);
  return reader == readers_.end() ? nullptr : reader->second;
}

// Each task that waits for a lock points to one holder, so the walk visits each task once.
void Situation::FollowChains() {
  enum : std::uint8_t { kNew, kOnPath, kDone };
  if (lock_waiters_.empty()) return;
  chains_.resize(snap_.tasks.size());
  std::vector<std::uint8_t> mark(snap_.tasks.size(), kNew);
  std::vector<const Task*> path;
  for (const std::uint32_t start : lock_waiters_) {
    path.clear();
    const Task* at = &snap_.tasks.all()[start];
    LockChain found;
    while (true) {
      const std::size_t i = snap_.tasks.PositionOf(*at);
      if (mark[i] == kDone) {
        found = chains_[i];
        found.in_cycle = false;
        if (found.end == ChainEnd::kSelf) found = {ChainEnd::kHolder, at, false};
        break;
      }
      if (mark[i] == kOnPath) {  // closed a cycle: `at` .. end of path
        const auto first = std::find(path.begin(), path.end(), at);
        const Task* smallest =
            *std::min_element(first, path.end(), [](auto* a, auto* b) { return a->id < b->id; });
        const bool self = std::next(first) == path.end();
        for (auto it = first; it != path.end(); ++it) {
          chains_[snap_.tasks.PositionOf(**it)] = {self ? ChainEnd::kSelf : ChainEnd::kCycle,
                                                   smallest, true};
          mark[snap_.tasks.PositionOf(**it)] = kDone;
        }
        path.erase(first, path.end());
        found = {self ? ChainEnd::kHolder : ChainEnd::kCycle, smallest, false};
        break;
      }
      if (!Blocked(*at)) {
        found.end = at->state == TaskState::kFinished ? ChainEnd::kOrphan : ChainEnd::kAlive;
        found.root = at;
        break;
      }
      if (!IsLockWait(at->wait)) {
        found = {ChainEnd::kHolder, at, false};
        break;
      }
      mark[i] = kOnPath;
      path.push_back(at);
      const Task* holder = HolderFor(*at);
      if (holder == nullptr) {
        const Sync* sync = snap_.syncs.Find(at->sync);
        const bool held = sync != nullptr && (sync->holder_task != 0 ||
                                              (sync->readers > 0 && !sync->readers_uncertain));
        // The holder is not in the dump: he is gone, if the dump is whole and nothing moves.
        const World* world = snap_.worlds.Find(at->world);
        const bool whole = world != nullptr && world->quiet && NothingMissing();
        found.end = held && whole ? ChainEnd::kOrphan : ChainEnd::kAlive;
        found.root = held && whole ? at : nullptr;
        break;
      }
      at = holder;
    }
    for (const Task* task : path) {
      const std::size_t i = snap_.tasks.PositionOf(*task);
      chains_[i] = found;
      mark[i] = kDone;
    }
  }
}

std::optional<std::size_t> Situation::HistoryStart() const {
  if (history_sought_) return history_start_;
  history_sought_ = true;
  absl::flat_hash_set<Id> mains;
  for (const World& w : snap_.worlds.all()) {
    if (w.controlled && w.main_task != 0) mains.insert(w.main_task);
  }
  if (mains.empty()) return std::nullopt;
  std::size_t number = 0, ring_since = 0;
  std::uint32_t ring = 0;
  snap_.events.ForEach([&](const Event& e) {
    if (e.ring != ring) ring_since = number;
    ring = e.ring;
    if (e.kind == event_kind::kStart && mains.contains(e.task)) history_start_ = number;
    ++number;
  });
  if (history_start_.has_value() && *history_start_ < ring_since) history_start_.reset();
  return history_start_;
}

}  // namespace stranded::detector
