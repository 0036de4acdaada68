// What virtual patches do to locks, wait groups and conditions.
#ifndef STRANDED_RUNTIME_HOOKS_SYNC_FORCE_RELEASE_H_
#define STRANDED_RUNTIME_HOOKS_SYNC_FORCE_RELEASE_H_

#include "runtime_hooks/scheduler/world.h"

namespace stranded::internal {

// Releases `object`, for which a task of `world` waits, if a patch says so: a lock that was taken
// at a patched site, a wait group or condition that was made at one, last added to or waited for
// there. Its holder owes an unlock then. No other task of the world runs meanwhile. False if
// nothing changed.
bool ForceRelease(SyncBase* object, World* world);
// Of a wait group, with its lock held or nobody else at work.
bool HasDonePatch(const SyncBase& group);

// With object->lock held: the readers that wait, the first writer.
void GrantReaders(SyncBase* object);
void GrantWriter(SyncBase* object);

}  // namespace stranded::internal

#endif  // STRANDED_RUNTIME_HOOKS_SYNC_FORCE_RELEASE_H_
