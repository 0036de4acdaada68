// The state table in the mapped file: who is there, who is blocked on what.
//
// Overview: a task, and what tasks wait for, has a record in the file from the first spawn or park
// that names it until it ends. The calls here are made under `tracing` only, or by an object that
// has a record. Each also stores the event, so that the thread's ring is looked up once. Thread
// safety: a task's record is written by whoever spawns it and by the task itself, a channel's and a
// sync object's under its lock, a context's by whoever has its sequence number odd. Invariants: a
// record is true at any moment as long as a task is parked on its object; nobody keeps up what
// nobody waits for. Ownership: the object owns its record and gives it back when it dies.
#ifndef STRANDED_RUNTIME_HOOKS_RECORDER_STATE_TABLE_H_
#define STRANDED_RUNTIME_HOOKS_RECORDER_STATE_TABLE_H_

#include <cstdint>
#include <source_location>

#include "runtime_hooks/recorder/events.h"

namespace stranded::internal {

struct Task;
struct ChanCore;
struct ContextNode;
struct SyncBase;
struct Waiter;
struct Ring;

// --- events of tasks, with their records
void RecordSpawn(const Task* spawner, Task* task);
void RecordAdopted(Task* thread);
void RecordStart(const Task* self);
void RecordPark(Task* self);    // its wait record is filled, its objects' locks are held
void RecordResume(Task* self);  // the time may have moved
void RecordFinish(Task* self);
// What this thread records from here on happens at `now_ns`: for those that run no task of which it
// could be asked, and when the clock of a world has jumped.
void RecordTime(std::int64_t now_ns);
// Before the change of state that ends a wait.
void RecordWoken(const Task* task);
// It no longer counts in its group. With a record.
void RecordLeftGroup(Task* self);

// --- a value that passes between `self` (null: a timer) and the task of `w`, which waited for it.
// Which of the two events comes first in the history, and which is the send.
enum class Meeting : std::uint8_t { kSelfSends, kSelfReceives, kSelfMakesRoom };
// The channel's lock is held. `w` is woken next: that is recorded here, too. In transfers.cc.
template <Meeting how>
void RecordMeeting(ChanCore* chan, const Task* self, const std::source_location& site,
                   const Waiter* w);

// --- objects that have a record (not null) and changed while tasks wait for them
void UpdateChannel(Ring* ring, const ChanCore* chan);  // its lock is held
void UpdateSync(const SyncBase* base);                 // its lock is held
void RecordContextEnd(ContextNode* context);           // its lock is held
void DropChannelRecord(ChanCore* chan);
void DropContextRecord(ContextNode* context);
void DropSyncRecord(const SyncBase* base);

}  // namespace stranded::internal

#endif  // STRANDED_RUNTIME_HOOKS_RECORDER_STATE_TABLE_H_
