#include "detector/rules/situation.h"

#include <algorithm>

namespace stranded::detector {
namespace {

constexpr std::size_t kDeepest = 4096;  // scopes; a damaged dump may have circles

bool EndsByItself(ContextKind kind) {
  return kind == ContextKind::kCancel || kind == ContextKind::kDeadline ||
         kind == ContextKind::kTimeout;
}

// For every context the nearest one at or above it that can end; nullptr behind a WithoutCancel.
// Each link is walked once: chains can be as long as there are contexts.
absl::flat_hash_map<Id, const Context*> FindCancellers(const Snapshot& snap) {
  absl::flat_hash_map<Id, const Context*> found;
  found.reserve(snap.contexts.size());
  std::vector<Id> path;
  for (const Context& start : snap.contexts.all()) {
    const Context* result = nullptr;
    path.clear();
    for (const Context* c = &start; c != nullptr; c = snap.contexts.Find(c->parent)) {
      // In a damaged dump a chain may be circular: then it meets its own beginning here.
      const auto [it, fresh] = found.try_emplace(c->id, nullptr);
      if (!fresh) {
        result = it->second;
        break;
      }
      path.push_back(c->id);
      if (EndsByItself(c->kind)) {
        result = c;
        break;
      }
      if (c->kind == ContextKind::kWithoutCancel) break;
    }
    for (const Id id : path) found[id] = result;
  }
  return found;
}

}  // namespace

bool IsLockWait(WaitKind kind) {
  return kind == WaitKind::kMutexLock || kind == WaitKind::kRwMutexRLock ||
         kind == WaitKind::kRwMutexLock;
}

Situation::Situation(const Dump& dump, const Snapshot& snapshot, const AnalysisOptions& options)
    : dump_(dump), snap_(snapshot), options_(options), chains_(snapshot.tasks.size()) {
  cancellers_ = FindCancellers(snap_);
  IndexLocks();
  FollowChains();
  liveness_ = std::make_unique<Liveness>(*this);
  for (const World& world : snap_.worlds.all()) {
    if (world.controlled) continue;
    if (!world.quiet || liveness_->WorldMoves(world.id)) pools_quiet_ = false;
    if (!world.quiet || liveness_->OthersMove(world.id)) pools_still_ = false;
  }
}

bool Situation::NothingMissing() const {
  return snap_.loss.tasks_unread == 0 && dump_.damage.bytes_skipped == 0 && !dump_.damage.cut;
}

bool Situation::Quiet(const Task& task) const {
  const World* world = snap_.worlds.Find(task.world);
  if (world == nullptr || !world->quiet || liveness_->WorldMoves(task.world)) return false;
  return snap_.loss.tasks_unread == 0 && (world->controlled || pools_quiet_);
}

bool Situation::Deadlocked(const Task& task) const {
  const World* world = snap_.worlds.Find(task.world);
  return world != nullptr && world->deadlock;
}

const Scope* Situation::EndedScope(const Task& task) const {
  const Scope* scope = snap_.scopes.Find(task.scope);
  for (std::size_t steps = 0; scope != nullptr && steps < kDeepest; ++steps) {
    if (scope->ended) return scope;
    scope = snap_.scopes.Find(scope->parent);
  }
  return nullptr;
}

bool Situation::ScopeEnded(const Task& task) const { return EndedScope(task) != nullptr; }

bool Situation::ScopeStill(const Task& task) const {
  const Scope* scope = EndedScope(task);
  return scope != nullptr && !liveness_->ScopeMoves(scope->id);
}

bool Situation::InFocus(const Task& task) const {
  if (options_.world != 0 && task.world != options_.world) return false;
  if (options_.scope == 0) return true;
  const Scope* scope = snap_.scopes.Find(task.scope);
  for (std::size_t steps = 0; scope != nullptr && steps < kDeepest; ++steps) {
    if (scope->id == options_.scope) return true;
    scope = snap_.scopes.Find(scope->parent);
  }
  return false;
}

std::int64_t Situation::Age(const Task& task) const {
  return task.since_ns == 0 ? 0 : std::max<std::int64_t>(0, snap_.taken_ns - task.since_ns);
}

bool Situation::Settled(const Task& task, std::int64_t since_ns) const {
  if (Quiet(task) || ScopeEnded(task)) return true;
  // Idle but for the task that asked for the dump: time changes nothing.
  const World* world = snap_.worlds.Find(task.world);
  const bool still = world != nullptr && world->quiet && !liveness_->OthersMove(task.world);
  if (still && (world->controlled || pools_still_)) return true;
  const std::int64_t since = std::max(since_ns, task.since_ns);
  return snap_.taken_ns - since >= absl::ToInt64Nanoseconds(options_.min_age);
}

const Context* Situation::EndedContext(const Task& task) const {
  const auto it = cancellers_.find(task.context);
  if (it == cancellers_.end() || it->second == nullptr) return nullptr;
  return it->second->err == ContextErr::kNone ? nullptr : it->second;
}

bool Situation::CanEnd(Id context) const {
  const auto it = cancellers_.find(context);
  return it == cancellers_.end() || it->second != nullptr;
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
    }
    if (Blocked(task) && task.wait == WaitKind::kRwMutexLock) writers_[task.sync] = &task;
  }
}

std::vector<const Sync*> Situation::LocksHeldBy(const Task& task) const {
  const auto it = held_.find(task.id);
  return it == held_.end() ? std::vector<const Sync*>() : it->second;
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
  std::vector<std::uint8_t> mark(snap_.tasks.size(), kNew);
  std::vector<const Task*> path;
  for (const Task& start : snap_.tasks.all()) {
    if (!Blocked(start) || !IsLockWait(start.wait)) continue;
    path.clear();
    const Task* at = &start;
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

}  // namespace stranded::detector
