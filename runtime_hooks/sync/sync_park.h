// How the objects of sync.h block, and what becomes of tasks whose wait can never end.
//
// Overview: ParkOnSync is the one place where a lock, wait group and so on blocks. The rest is for
// the two bad ends of a wait: the world comes to a dead end, or the object is destroyed under its
// waiters.
//
// After a dead end. The interrupted call throws GlobalDeadlockError in the main task. Guards of
// that task then unlock in their destructors, and destructors may lock and wait themselves; a
// second exception there would end the process and hide the report. Therefore:
//  - a call that is interrupted while an exception is already unwinding does not throw: it goes on
//  as
//    if it had been granted. The tasks it waited for do not run meanwhile: nothing could run.
//  - whoever goes on in this way, and a Cond::Wait that could not have its lock back, owes an
//  unlock
//    of a lock it does not hold. The debt is noted, and one unlock by that task, when it is not the
//    holder, does nothing.
//
// Destroyed under waiters. A task that waits for ever for an object in a frame that is gone must
// still show in a report. The destructor moves the waiters and the facts to a tombstone that is
// never freed.
//
// Thread safety: all functions from any task; see each for the lock it needs.
// Invariants: nothing here allocates or throws while a SpinLock is held.
// Ownership: tombstones belong to the tasks that wait on them.
#ifndef STRANDED_RUNTIME_HOOKS_SYNC_SYNC_PARK_H_
#define STRANDED_RUNTIME_HOOKS_SYNC_SYNC_PARK_H_

#include "runtime_hooks/scheduler/world.h"
#include "stranded/internal/sync_base.h"

namespace stranded::internal {

enum class ParkResult : std::uint8_t {
  kGranted,      // whoever granted it took the entry out of the queue; the lock is not held
  kInterrupted,  // the entry is out of the queue; the lock is not held
  kOrphaned,     // the same, and the object is gone, or may be: do not touch it
};

struct ParkOutcome {
  ParkResult result = ParkResult::kGranted;
  WakeReason reason = WakeReason::kWoken;
};

void FillWait(Task* self, WaitKind kind, const SyncBase* base, const std::source_location& site);

// Queues `w` in `queue`, which is guarded by base->lock, and parks. Called with base->lock held;
// returns without it.
ParkOutcome ParkOnSync(Task* self, SyncBase* base, WaitQueue* queue, Waiter* w, WaitKind kind,
                       const std::source_location& site);

// An entry that an interrupted task found still queued, taken out. `base->lock` is not held.
ParkResult LeaveQueue(Task* self, SyncBase* base, WaitQueue* queue, Waiter* w);

// After an interruption: throws GlobalDeadlockError, or returns if an exception is unwinding
// already.
void ThrowUnlessUnwinding(Task* self, WakeReason reason);

// Debts: unlocks that `self` will do of a lock it does not hold.
void OweUnlock(Task* self, const SyncBase* base, bool shared);
// True if this unlock pays a debt. Costs one load while there is none.
bool PayUnlock(Task* self, const SyncBase* base, bool shared);

// What a destructor does first: waits for the last unlock to be complete, and moves waiters out.
// `more` is a second queue of the object, or null. Returns what the waiters wait for from now on,
// or null if there are none.
const SyncBase* RetireSync(SyncBase* base, WaitQueue* more = nullptr);
// Read locks of `base` that tasks still have in their lists: as long as somebody waits, who holds
// them is what a report is about.
void MoveReaders(const SyncBase* base, const SyncBase* to);
// A task that was not parked when the lock went may still have it in its list: not to be looked
// into, until another object is made there. Of a task that is held still.
bool IsStaleRead(const SyncBase* base);
void ForgetStaleRead(const SyncBase* base);

}  // namespace stranded::internal

#endif  // STRANDED_RUNTIME_HOOKS_SYNC_SYNC_PARK_H_
