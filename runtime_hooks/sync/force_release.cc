#include "runtime_hooks/sync/force_release.h"

#include "runtime_hooks/recorder/state_table.h"
#include "runtime_hooks/scheduler/patches.h"
#include "runtime_hooks/sync/count_credit.h"
#include "runtime_hooks/sync/sync_park.h"

namespace stranded::internal {
namespace {

void WakeAll(SyncBase* object) {
  while (Waiter* w = object->waiters.PopFront()) {
    // A condition's waiter may not be parked yet; then leaving the queue is enough.
    if (object->kind != SyncKind::kCond || w->mode != 0) Wake(w->task);
  }
}

bool FinishWaitGroup(SyncBase* object) {
  SpinGuard guard(object->lock);
  if (!HasDonePatch(*object)) return false;
  TakeCreditBack(object);
  object->counter = 0;
  WakeAll(object);
  return true;
}

// A waiter whose condition does not come true waits again, and would for ever.
bool SignalCond(SyncBase* object) {
  constexpr std::uint32_t kMostSignals = 3;
  SpinGuard guard(object->lock);
  bool patched = FindPatch(PatchKind::kSignal, object->site) != nullptr;
  for (const Waiter* w = object->waiters.front(); w != nullptr && !patched; w = w->next) {
    patched = FindPatch(PatchKind::kSignal, w->site) != nullptr;
  }
  if (!patched) return false;
  bool hopeful = false;
  for (const Waiter* w = object->waiters.front(); w != nullptr; w = w->next) {
    hopeful |= ++w->task->gave_up <= kMostSignals;
  }
  if (hopeful) WakeAll(object);
  return hopeful;
}

// Whether a patch releases what `holder` (null: it has finished) took at `taken`.
bool Releases(const std::source_location& taken, const Task* holder) {
  const auto waits_there = [holder](const Patch& patch) {
    return holder != nullptr && holder->wait.kind != WaitKind::kNone &&
           holder->wait.site.line() == patch.across_line &&
           IsFile(patch.across_file, holder->wait.site.file_name());
  };
  for (const Patch& patch : Patches()) {
    if (!patch.Names(PatchKind::kRelease, taken)) continue;
    if (patch.across_line != 0 && !waits_there(patch)) continue;
    patch.NoteMet();
    return true;
  }
  return false;
}

Task* FindTask(World* world, std::uint64_t id) {
  Task* found = nullptr;
  TaskSlab().ForEach(
      [&](Task* task) {
        const std::uint32_t state = task->state.load(std::memory_order_acquire) & Task::kStateMask;
        if (task->world == world && task->id == id && state != Task::kFinished) found = task;
      },
      [](Task* task) { UnrefTask(task); });
  return found;
}

// A read lock of `object` that was taken at a patched site, dropped from its reader's list.
bool DropRead(SyncBase* object, World* world) {
  bool dropped = false;
  TaskSlab().ForEach(
      [&](Task* task) {
        for (int i = 0; !dropped && task->world == world && i < task->held_count; ++i) {
          const HeldRead& held = task->held[i];
          if (held.lock != object || !Releases(held.site, task)) continue;
          for (int j = i + 1; j < task->held_count; ++j) task->held[j - 1] = task->held[j];
          --task->held_count;
          OweUnlock(task, object, true);
          dropped = true;
        }
      },
      [](Task* task) { UnrefTask(task); });
  return dropped;
}

bool ReleaseWriter(SyncBase* object, World* world) {
  if (object->holder == 0) return false;
  Task* holder = FindTask(world, object->holder);
  if (!Releases(object->holder_site, holder)) return false;
  if (holder != nullptr) OweUnlock(holder, object, false);
  SpinGuard guard(object->lock);
  object->holder = 0;
  if (object->kind == SyncKind::kRwMutex) GrantReaders(object);
  if (object->readers == 0) GrantWriter(object);
  return true;
}

// The last reader came in at a patched site and has finished with the lock held.
bool LeftBehind(const SyncBase* object, World* world) {
  return Releases(object->last_add.site, nullptr) &&
         FindTask(world, object->last_add.task) == nullptr;
}

bool ReleaseReader(SyncBase* object, World* world) {
  if (object->readers == 0) return false;
  if (!DropRead(object, world) && !LeftBehind(object, world)) return false;
  SpinGuard guard(object->lock);
  if (--object->readers == 0) GrantWriter(object);
  return true;
}

}  // namespace

bool HasDonePatch(const SyncBase& group) {
  return FindPatch(PatchKind::kDone, group.site) != nullptr ||
         FindPatch(PatchKind::kDone, group.last_add.site) != nullptr;
}

void GrantReaders(SyncBase* object) {
  // All that wait, also those behind a writer: they waited while a writer had its turn.
  constexpr std::uint32_t kRead = 1;
  for (Waiter* w = object->waiters.front(); w != nullptr;) {
    Waiter* next = w->next;
    if (w->mode == kRead) {
      object->waiters.Remove(w);
      ++object->readers;
      object->last_add = {w->task->id, w->site};
      Wake(w->task);
    }
    w = next;
  }
  if (object->record != nullptr) [[unlikely]]
    UpdateSync(object);
}

void GrantWriter(SyncBase* object) {
  Waiter* w = object->waiters.PopFront();
  if (w == nullptr) return;
  object->holder = w->task->id;
  object->holder_site = w->site;
  Wake(w->task);
  if (object->record != nullptr) [[unlikely]]
    UpdateSync(object);
}

bool ForceRelease(SyncBase* object, World* world) {
  switch (object->kind) {
    case SyncKind::kWaitGroup: return FinishWaitGroup(object);
    case SyncKind::kCond: return SignalCond(object);
    case SyncKind::kMutex: return ReleaseWriter(object, world);
    case SyncKind::kRwMutex: return ReleaseWriter(object, world) || ReleaseReader(object, world);
    default: return false;
  }
}

}  // namespace stranded::internal
