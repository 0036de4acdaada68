// Records of what tasks wait for: see state_table.h.
#ifndef STRANDED_RUNTIME_HOOKS_RECORDER_OBJECT_RECORDS_H_
#define STRANDED_RUNTIME_HOOKS_RECORDER_OBJECT_RECORDS_H_

namespace stranded::internal {

struct ChanCore;
struct ContextNode;
struct SyncBase;
struct Ring;

// Makes sure that the object has a record, and that it is up to date: a task is about to wait for
// it, or, with contexts, to run in it. Channels and sync objects: their lock is held.
void NeedContextRecord(Ring* ring, ContextNode* context);  // and those above it
void NeedChannelRecord(Ring* ring, ChanCore* chan);
void NeedSyncRecord(Ring* ring, const SyncBase* base);

}  // namespace stranded::internal

#endif  // STRANDED_RUNTIME_HOOKS_RECORDER_OBJECT_RECORDS_H_
