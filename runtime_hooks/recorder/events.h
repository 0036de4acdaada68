// The history that `record=trace` keeps: one ring of fixed-size records for each thread.
//
// Overview: Record() stores 32 bytes into the ring of the calling thread; CountInRun()
// of chan_steps.h counts what repeats. Times are those of parks, and of every 256th event; no clock
// is read for an event. A full ring overwrites its oldest records; how many is counted, in records.
// Thread safety: Record from any thread; a reader may copy a ring while its thread goes on, and
// drops what was overwritten meanwhile. Invariants: without trace a call costs one relaxed load and
// a branch. Order holds within a ring only. Ownership: see ring.h.
#ifndef STRANDED_RUNTIME_HOOKS_RECORDER_EVENTS_H_
#define STRANDED_RUNTIME_HOOKS_RECORDER_EVENTS_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <source_location>
#include <vector>

#include "stranded/internal/event_kind.h"
#include "stranded/internal/tracing.h"
#include "stranded/internal/wait_kind.h"

namespace stranded::internal {

void RecordSlow(EventKind kind, std::uint64_t task, std::uint64_t object,
                const std::source_location& site, std::uint64_t arg);

// `arg`: spawn: the new task; wake: the woken task; park: the wait kind; select: the case; send,
// receive: so many more like it came right after it; pass: the wait kind. A pass is a wait that was
// over before it began, and so has no park: `object` is the joined task, or what would be waited
// for.
inline void Record(EventKind kind, std::uint64_t task, std::uint64_t object,
                   const std::source_location& site, std::uint64_t arg = 0) {
  if (tracing.load(std::memory_order_relaxed)) [[unlikely]] {
    RecordSlow(kind, task, object, site, arg);
  }
}

// `arg` of locks, by bits.
inline constexpr std::uint64_t kLockShared = 1, kLockTried = 2;

// A wait for `object` that was over before it began: without a park, nothing else tells of it.
inline void RecordPass(std::uint64_t task, WaitKind kind, std::uint64_t object,
                       const std::source_location& site) {
  Record(EventKind::kPass, task, object, site, static_cast<std::uint64_t>(kind));
}

// Records in each ring: the option `ring`, rounded up to a power of two.
std::size_t RingRecords();

struct RecordedEvent {
  EventKind kind = EventKind::kNone;
  std::uint64_t task = 0, object = 0, arg = 0;
  std::int64_t time_ns = 0;
  std::source_location site{};
};

struct RingCopy {
  std::uint32_t ring = 0;
  std::uint64_t first_seq = 0;  // number of the first record in `events`
  std::uint64_t lost = 0;       // overwritten before it
  std::vector<RecordedEvent> events;
};

// In the child of a fork, where they are the parent's: begins new ones.
void ForgetRings();

// Calls f(copy) for each ring that has records.
void ForEachRing(void (*f)(const RingCopy& copy, void* arg), void* arg);

}  // namespace stranded::internal

#endif  // STRANDED_RUNTIME_HOOKS_RECORDER_EVENTS_H_
