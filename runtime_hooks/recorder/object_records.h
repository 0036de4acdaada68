// Records of what tasks wait for: see state_table.h.
#ifndef STRANDED_RUNTIME_HOOKS_RECORDER_OBJECT_RECORDS_H_
#define STRANDED_RUNTIME_HOOKS_RECORDER_OBJECT_RECORDS_H_

#include "runtime_hooks/recorder/record_lock.h"
#include "runtime_hooks/recorder/ring.h"

namespace stranded::internal {

struct ChanCore;
struct ContextNode;
struct SyncBase;
struct Task;

// Null without a file, or if it is full.
inline void* TakeRecordFor(Ring* ring, RecordKind kind) {
  return ring->mapped && HasMappedFile() ? TakeRecord(ring->records[static_cast<int>(kind)], kind)
                                         : nullptr;
}
template <class Record>
__attribute__((always_inline)) inline void GiveRecordBack(Ring* ring, Record* record,
                                                          RecordKind kind) {
  {
    const RecordLock lock(record->seq);
    record->state = mapped::kFree;
  }
  GiveRecord(ring->records[static_cast<int>(kind)], kind, record);
}

// Makes sure that the object has a record, and that it is up to date: a task is about to wait for
// it, or, with contexts, to run in it. Channels and sync objects: their lock is held.
void NeedContextRecord(Ring* ring, ContextNode* context);  // and those above it
void NeedChannelRecord(Ring* ring, ChanCore* chan);
void NeedSyncRecord(Ring* ring, const SyncBase* base);

// `self`, whose record is `task`, is about to wait, with the locks of what it waits for held.
void RecordWait(Ring* ring, mapped::Task* task, const Task* self);
// The same for one channel that it sends to or receives from: faster if both records tell of such a
// wait already, and only its time is new.
void RecordChannelWait(Ring* ring, mapped::Task* task, const Task* self);

}  // namespace stranded::internal

#endif  // STRANDED_RUNTIME_HOOKS_RECORDER_OBJECT_RECORDS_H_
