// Tasks, what they wait for, and where they come from.
#include <algorithm>
#include <span>
#include <vector>

#include "runtime_hooks/recorder/freeze.h"
#include "runtime_hooks/recorder/snapshot.h"
#include "runtime_hooks/registry/finished.h"
#include "runtime_hooks/registry/prefetch.h"
#include "runtime_hooks/select/left_later.h"
#include "runtime_hooks/sync/sync_park.h"

namespace stranded::internal {
namespace {

using dump::PacketTag;
using dump::TaskTag;
using dump::WaitTag;

constexpr std::uint32_t kMostCases = 256;  // so that a packet stays small
constexpr int kMostCrashStacks = 200;
enum TaskStateWire {
  kWireRunnable = 1,
  kWireRunning = 2,
  kWireBlocked = 3,
  kWireSleeping = 4,
  kWireSyscall = 5,
  kWireFinished = 6
};

// The task that takes the snapshot cannot freeze itself.
bool IsOther(const Task* task) { return task != CurrentTaskOrNull(); }

std::uint32_t StateOf(const Task& task) {
  // Acquire: what the task did before it parked or finished is seen.
  return task.state.load(std::memory_order_acquire);
}

int WireState(const Task& task, std::uint32_t state, bool still) {
  if (task.in_blocking_region.load(std::memory_order_relaxed)) return kWireSyscall;
  if (still) return task.wait.kind == WaitKind::kSleep ? kWireSleeping : kWireBlocked;
  switch (state & Task::kStateMask) {
    case Task::kRunnable: return kWireRunnable;
    case Task::kFinished: return kWireFinished;
    case Task::kParked: return kWireBlocked;
    default: return kWireRunning;
  }
}

}  // namespace

void Snapshot::WriteTasks() {
  if (options_.crash) {  // a crash must not run destructors: references are kept
    TaskSlab().ForEach(
        [this](Task* task) {
          const std::uint32_t state = StateOf(*task);
          if (!Skip(*task, state)) WriteTask(task, state, IsOther(task) && Freeze(task));
        },
        [](Task*) {});
    return;
  }
  batch_ = std::make_unique<TaskBatch>(out_, options_.stacks_per_site);
  nodes_ = std::make_unique<ObjectBatch>(out_, PacketTag::kSpawnBatch, options_.stacks_per_site);
  TaskSlab().ForEach([this](Task* task) { TakeTask(task); }, [](Task*) {});
  WriteTaken();
  nodes_->Flush();
  nodes_.reset();
  batch_->Flush();
}

// What it has left is noted in channels that others may wait on: so of all tasks.
void Snapshot::NoteLeft(Task* task) {
  if (task->left_later.load(std::memory_order_relaxed) == nullptr) return;
  if (!IsOther(task)) {
    SayUnsaid(task);
  } else if (Freeze(task)) {
    SayUnsaid(task);
    Thaw(task);
  }
}

// Takes over the walker's reference.
void Snapshot::TakeTask(Task* task) {
  NoteLeft(task);
  if (Skip(*task, StateOf(*task))) {
    UnrefTask(task);
    return;
  }
  // What is read of it later lies in cold memory: its ancestry and, once it is frozen, its stack.
  Prefetch(task->origin.parent);
  Prefetch(&task->context->id);
  held_[held_count_++].task = task;
  if (held_count_ == held_.size()) WriteTaken();
}

// Where a task comes from stays as it is while it runs. Chains may be long, so they are written
// before anything is frozen.
void Snapshot::NoteAncestry(const Task& task) {
  if (task.scope != nullptr) WriteScopeChain(task.scope);
  if (task.context->id != last_context_) {
    NeedContext(task.context);
    last_context_ = task.context->id;
  }
  const SpawnNode* const parent = task.origin.parent;
  if (parent == nullptr || parent->id == last_parent_) return;
  WriteSpawnChain(parent);
  last_parent_ = parent->id;
}

void Snapshot::WriteTaken() {
  const auto held = std::span(held_).first(held_count_);
  for (const Held& h : held) NoteAncestry(*h.task);
  for (Held& h : held) {
    h.state = StateOf(*h.task);
    h.frozen = IsOther(h.task) && Freeze(h.task);
  }
  for (const Held& h : held) {
    const WaitRecord& wait = h.task->wait;
    if (!h.frozen) continue;
    if (wait.chan == nullptr) {
      PrefetchBytes(wait.cases, 2 * kCacheLine);
    } else {
      Prefetch(&wait.chan->id);
    }
  }
  for (const Held& h : held) {
    // It may have ended meanwhile.
    if (h.frozen || !Skip(*h.task, h.state)) WriteTask(h.task, h.state, h.frozen);
    if (h.frozen) Thaw(h.task);
  }
  for (const Held& h : held) UnrefTask(h.task);
  held_count_ = 0;
  out_.Rest();
}

bool Snapshot::WantStack(const Task& task) {
  if (options_.crash) return crash_stacks_++ < kMostCrashStacks;
  if (options_.stacks_per_site <= 0) return false;
  const std::source_location &wait = task.wait.site, &spawn = task.origin.site;
  const auto key = reinterpret_cast<std::uintptr_t>(wait.file_name()) * 1000003 +
                   (wait.line() * std::uint64_t{1} << 32) + wait.column() * 104729 +
                   spawn.line() * 31 + spawn.column() * 15485863 +
                   reinterpret_cast<std::uintptr_t>(spawn.file_name());
  return ++stacks_[key] <= options_.stacks_per_site;
}

// Remembers what the frozen task refers to, and writes the sync objects: they live in the user's
// memory and can be read safely only now.
void Snapshot::NoteObjects(Task* task) {
  const WaitRecord& wait = task->wait;
  for (std::uint32_t i = 0; i < wait.case_count; ++i) {
    const SelectCase c = CaseOf(wait, i);
    if (c.chan != nullptr && !options_.crash) channels_.insert(c.chan->id);
    if (c.context != nullptr && !options_.crash) NeedContext(c.context);
  }
  if (wait.done_context != nullptr && !options_.crash) NeedContext(wait.done_context);
  if (wait.sync != nullptr) WriteSync(wait.sync);
  for (int i = 0; i < task->held_count && i < Task::kHeldMax; ++i) {
    const SyncBase* const lock = task->held[i].lock;
    if (lock != nullptr && (options_.crash || !IsStaleRead(lock))) WriteSync(lock);
  }
}

bool Snapshot::Skip(const Task& task, std::uint32_t state) const {
  // First: the world of a finished task may be gone.
  if ((state & Task::kStateMask) == Task::kFinished) return true;
  if (!Wanted(task.world_id.load(std::memory_order_relaxed)) && !task.is_thread) return true;
  return options_.scope != 0 && !IsWithin(task.scope, options_.scope);
}

void Snapshot::WriteTask(Task* task, std::uint32_t state, bool frozen) {
  // The task that takes the snapshot holds still by itself. It waits for something only when its
  // world has come to a dead end.
  const bool self = task == CurrentTaskOrNull();
  const bool still = frozen || (self && task->wait.kind != WaitKind::kNone);
  if (!frozen && (state & Task::kStateMask) == Task::kParked) ++tasks_unread_;
  if (options_.crash) WriteScopeChain(task->scope);
  if (!options_.crash) listed_.insert(task->id);
  if (still) NoteObjects(task);
  if (frozen && batch_ != nullptr && batch_->Take(*task)) {
    spawns_.insert(task->id);
    return;
  }
  WriteOrigin(task->id, task->origin);
  const std::uint32_t last_site = out_.Site(task->last_site.load(std::memory_order_relaxed));
  out_.Write<TaskTag>(PacketTag::kTask, [&](auto& t) {
    const std::string_view name = Cut(task->name());
    t.add_uint64(TaskTag::kId, task->id);
    t.add_string(TaskTag::kName, name.data(), name.size());
    t.add_uint64(TaskTag::kSpawn, task->id);
    t.add_uint64(TaskTag::kContext, task->context->id);
    t.add_enum(TaskTag::kState, WireState(*task, state, still));
    t.add_enum(TaskTag::kKind, task->is_thread ? 1 : 0);
    t.add_bool(TaskTag::kDaemon, task->daemon);
    t.add_bool(TaskTag::kPinned, task->pinned);
    t.add_bool(TaskTag::kIsMain, task->is_main);
    t.add_uint64(TaskTag::kWorld, task->world_id.load(std::memory_order_relaxed));
    t.add_uint64(TaskTag::kScope, task->scope == nullptr ? 0 : task->scope->id);
    t.add_int64(TaskTag::kCreatedNs, task->created_ns);
    t.add_uint64(TaskTag::kOsTid, static_cast<std::uint64_t>(task->os_tid));
    if (const std::uint64_t group = task->group.load(std::memory_order_relaxed); group != 0) {
      t.add_uint64(TaskTag::kGroup, group);
    }
    if (task->has_spawned.load(std::memory_order_relaxed)) t.add_bool(TaskTag::kHasSpawned, true);
    {
      Builder<dump::LastOpTag> op(t, TaskTag::kLastOp);
      op.add_enum(dump::LastOpTag::kKind,
                  static_cast<std::int32_t>(task->last_kind.load(std::memory_order_relaxed)));
      op.add_uint32(dump::LastOpTag::kSite, last_site);
    }
    WriteWait(t, *task, still);
    if (still) WriteHeld(t, *task);
    if (frozen && WantStack(*task)) WriteStack(t, *task);
  });
}

void Snapshot::WriteWait(Builder<TaskTag>& packet, const Task& task, bool still) {
  const bool syscall = task.in_blocking_region.load(std::memory_order_acquire);
  if (!still && !syscall) return;
  const WaitRecord& wait = task.wait;
  if (!still) return;  // inside a system call the record may change under us
  const std::uint32_t site = out_.Site(wait.site);
  Builder<WaitTag> w(packet, TaskTag::kWait);
  w.add_enum(WaitTag::kKind, static_cast<std::int32_t>(wait.kind));
  w.add_uint32(WaitTag::kSite, site);
  w.add_int64(WaitTag::kSinceNs, wait.since_ns);
  w.add_int64(WaitTag::kUntilNs, wait.until_ns);
  w.add_uint64(WaitTag::kTask, wait.join_task);
  w.add_uint64(WaitTag::kParkCount, task.park_count);
  w.add_bool(WaitTag::kRange, wait.range);
  if (wait.sync != nullptr && IsSyncWait(wait.kind)) w.add_uint64(WaitTag::kSync, wait.sync->id);
  for (std::uint32_t i = 0; i < wait.case_count && i < kMostCases; ++i) {
    if (Sound(wait.cases[i])) WriteCase(w, wait.cases[i]);
  }
  if (wait.done_context != nullptr) {
    SelectCase done;
    done.op = CaseOp::kDone;
    done.context = wait.done_context;
    done.site = wait.site;
    WriteCase(w, done);
  }
}

// Cases lie on the parked stack, which may be damaged when the program crashes.
bool Snapshot::Sound(const SelectCase& c) const {
  if (!options_.crash) return true;
  return (c.chan == nullptr || ChanSlab().Holds(c.chan)) &&
         (c.context == nullptr || ContextSlab().Holds(c.context));
}

void Snapshot::WriteCase(Builder<WaitTag>& wait, const SelectCase& c) {
  using dump::WaitCaseTag;
  const bool done =
      c.op == CaseOp::kDone || (c.chan != nullptr && c.chan->role == ChanRole::kContextDone);
  std::uint64_t context = c.context == nullptr ? 0 : c.context->id;
  if (c.chan != nullptr && c.chan->role == ChanRole::kContextDone) context = c.chan->context_id;
  const std::uint32_t site = out_.Site(c.site);
  Builder<WaitCaseTag> w(wait, WaitTag::kCases);
  w.add_enum(WaitCaseTag::kOp, static_cast<std::int32_t>(done ? CaseOp::kDone : c.op));
  w.add_uint64(WaitCaseTag::kChannel, c.chan == nullptr ? 0 : c.chan->id);
  w.add_uint32(WaitCaseTag::kSite, site);
  w.add_uint64(WaitCaseTag::kContext, done ? context : 0);
}

void Snapshot::WriteHeld(Builder<TaskTag>& packet, const Task& task) {
  for (int i = 0; i < task.held_count && i < Task::kHeldMax; ++i) {
    const SyncBase* const lock = task.held[i].lock;
    if (lock == nullptr || (!options_.crash && IsStaleRead(lock))) continue;
    const std::uint32_t site = out_.Site(task.held[i].site);
    Builder<dump::HeldLockTag> h(packet, TaskTag::kHeld);
    h.add_uint64(dump::HeldLockTag::kSync, task.held[i].lock->id);
    h.add_uint32(dump::HeldLockTag::kSite, site);
    h.add_bool(dump::HeldLockTag::kShared, true);
  }
}

void Snapshot::WriteStack(Builder<TaskTag>& packet, const Task& task) {
  Backtrace trace;
  if (options_.crash) {
    UnwindInCrash(task, &trace);
  } else {
    UnwindParked(task, &trace);
  }
  if (trace.count == 0 && !task.is_thread) ++stacks_missing_;  // a thread's is never read
  packet.add_packed_fixed64(TaskTag::kPcs, trace.pcs, trace.pcs + trace.count);
  if (trace.note != nullptr) packet.add_string(TaskTag::kStackNote, trace.note);
}

void Snapshot::NeedContext(ContextNode* node) {
  for (; node != nullptr && contexts_.insert(node->id); node = node->parent) {
  }
}

void Snapshot::WriteSpawnChain(const SpawnNode* node) {
  for (; node != nullptr; node = node->parent) {
    if (!options_.crash && !spawns_.insert(node->id)) return;
    if (TakeSpawn(*node)) continue;
    WriteSpawn(node->id, node->task_id, node->parent, node->site, node->name, node->elided);
  }
}

void Snapshot::WriteOrigin(std::uint64_t task_id, const Origin& origin) {
  WriteSpawnChain(origin.parent);
  if (!options_.crash && !spawns_.insert(task_id)) return;
  WriteSpawn(task_id, task_id, origin.parent, origin.site, origin.Name(), 0);
}

void Snapshot::WriteSpawn(std::uint64_t id, std::uint64_t task_id, const SpawnNode* parent,
                          const std::source_location& at, std::string_view whole_name,
                          std::uint32_t elided) {
  const std::uint32_t site = out_.Site(at);
  out_.Write<dump::SpawnNodeTag>(PacketTag::kSpawn, [&](auto& s) {
    const std::string_view name = Cut(whole_name);
    s.add_uint64(dump::SpawnNodeTag::kId, id);
    s.add_uint64(dump::SpawnNodeTag::kTask, task_id);
    s.add_uint64(dump::SpawnNodeTag::kParent, parent == nullptr ? 0 : parent->id);
    s.add_uint32(dump::SpawnNodeTag::kSite, site);
    s.add_string(dump::SpawnNodeTag::kName, name.data(), name.size());
    s.add_uint32(dump::SpawnNodeTag::kElided, elided);
  });
}

void Snapshot::WriteScopeChain(const ScopeNode* scope) {
  for (; scope != nullptr; scope = scope->parent) {
    if (!options_.crash && !scopes_.insert(scope->id)) return;
    const std::uint32_t site = out_.Site(scope->site);
    out_.Write<dump::ScopeTag>(PacketTag::kScope, [&](auto& s) {
      const std::string_view name = Cut(scope->name);
      s.add_uint64(dump::ScopeTag::kId, scope->id);
      s.add_uint64(dump::ScopeTag::kParent, scope->parent == nullptr ? 0 : scope->parent->id);
      s.add_string(dump::ScopeTag::kName, name.data(), name.size());
      s.add_uint32(dump::ScopeTag::kSite, site);
      s.add_uint64(dump::ScopeTag::kTask, scope->task);
      s.add_bool(dump::ScopeTag::kEnded, scope->ended.load(std::memory_order_acquire));
      s.add_bool(dump::ScopeTag::kExpected, scope->expected.load(std::memory_order_acquire));
    });
  }
}

// The tasks that others mention as their peers but that are gone, as far as they are remembered.
void Snapshot::WriteFinishedTasks() {
  std::sort(mentioned_.begin(), mentioned_.end());
  mentioned_.erase(std::unique(mentioned_.begin(), mentioned_.end()), mentioned_.end());
  for (const std::uint64_t id : mentioned_) {
    FinishedTask task;
    if (listed_.contains(id) || !FindFinished(id, &task)) continue;
    WriteOrigin(task.id, task.origin);
    const std::uint32_t site = out_.Site(task.last_site);
    out_.Write<TaskTag>(PacketTag::kTask, [&](auto& t) {
      const std::string_view name = Cut(task.origin.Name());
      t.add_uint64(TaskTag::kId, task.id);
      t.add_string(TaskTag::kName, name.data(), name.size());
      t.add_uint64(TaskTag::kSpawn, task.id);
      t.add_uint64(TaskTag::kContext, task.context);
      t.add_enum(TaskTag::kState, kWireFinished);
      t.add_int64(TaskTag::kCreatedNs, task.created_ns);
      Builder<dump::LastOpTag> op(t, TaskTag::kLastOp);
      op.add_enum(dump::LastOpTag::kKind, static_cast<std::int32_t>(task.last_kind));
      op.add_uint32(dump::LastOpTag::kSite, site);
    });
    UnrefOrigin(task.origin);
  }
}

}  // namespace stranded::internal
