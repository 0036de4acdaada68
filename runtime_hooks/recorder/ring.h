// One thread's ring of events, and what the thread keeps for itself beside it.
//
// Overview: a few plain stores for an event. The slots lie in the mapped file if there is one, else
// in memory. Thread safety: one writer, the thread that has it; readers copy and drop what was
// overwritten meanwhile. Invariants: slot n % size is complete once `done` is greater than n; while
// a reader sees `done` == d, the kMostAtOnce slots from d % size on may be torn and all others are
// whole, but for the count of repeats in the newest one, which grows; `next[-1]` is the newest from
// the moment a thread has the ring. Ownership: rings are never freed; the ring of a thread that has
// ended keeps its records until another thread takes it.
#ifndef STRANDED_RUNTIME_HOOKS_RECORDER_RING_H_
#define STRANDED_RUNTIME_HOOKS_RECORDER_RING_H_

#include <array>
#include <atomic>
#include <bit>
#include <source_location>

#include "runtime_hooks/recorder/events.h"
#include "runtime_hooks/recorder/mapped_file.h"
#include "runtime_hooks/registry/prefetch.h"
#include "runtime_hooks/registry/thread_block.h"
#include "runtime_hooks/scheduler/sanitizers.h"
#include "stranded/mapped_format.h"

namespace stranded::internal {

// A source_location is one pointer to static data with both compilers: eight bytes instead of four
// fields.
static_assert(sizeof(std::source_location) == sizeof(std::uint64_t));

inline std::uint64_t KeyOf(const std::source_location& site) {
  return std::bit_cast<std::uint64_t>(site);
}

// Words are atomic because a reader may look while the owner overwrites; it finds out afterwards.
struct EventSlot {
  std::atomic<std::uint64_t> kind_and_task, object, site, arg;

  static std::uint64_t Head(EventKind kind, std::uint64_t task) {
    return static_cast<std::uint64_t>(kind) << mapped::kKindShift | task;
  }
  // Release: a reader that sees one of the new words then sees `done` as it was before, too.
  void Store(std::uint64_t new_kind_and_task, std::uint64_t new_object, std::uint64_t new_site,
             std::uint64_t new_arg) {
#if defined(__x86_64__) && !defined(STRANDED_TSAN)
    // Two stores instead of four. All stores of this processor are releases; the halves of one may
    // be seen one by one, as if it were two. The compiler keeps those before it where they are.
    std::atomic_signal_fence(std::memory_order_release);
    using Pair = std::uint64_t __attribute__((vector_size(16)));
    const Pair what{new_kind_and_task, new_object}, where{new_site, new_arg};
    asm volatile("movups %2, %0" : "=m"(kind_and_task), "=m"(object) : "x"(what));
    asm volatile("movups %2, %0" : "=m"(site), "=m"(arg) : "x"(where));
    return;
#endif
    kind_and_task.store(new_kind_and_task, std::memory_order_release);
    object.store(new_object, std::memory_order_release);
    site.store(new_site, std::memory_order_release);
    arg.store(new_arg, std::memory_order_release);
  }
};
static_assert(sizeof(EventSlot) == sizeof(mapped::Event));

Ring* FirstRing();

struct Ring {
  static constexpr std::size_t kCached = 256, kAhead = 8;
  static constexpr std::uint64_t kTimeEvery = 256;

  // Owner only. The next record goes to `next`, behind the newest one, unless that is `care_at`:
  // the end of the slots, or the time is due.
  EventSlot* next = nullptr;
  EventSlot* care_at = nullptr;
  std::atomic<std::uint64_t>* done = nullptr;  // how many there ever were, for readers
  std::int64_t time_ns = 0;                    // owner only: the last one recorded
  std::array<std::uint64_t, kCached> explained{};
  std::array<RecordCache, kRecordKinds> records{};

  EventSlot* slots = nullptr;
  std::uint64_t mask = 0;
  bool mapped = false;
  std::uint32_t id = 0;
  std::atomic<bool> in_use{true};
  std::atomic<std::uint64_t> own_done{0};  // `done` without a file
  Ring* next_ring = nullptr;

  void Put(EventKind kind, std::uint64_t task, std::uint64_t object, std::uint64_t site,
           std::uint64_t arg) {
    PutHead(EventSlot::Head(kind, task), object, site, arg);
  }
  void PutHead(std::uint64_t kind_and_task, std::uint64_t object, std::uint64_t site,
               std::uint64_t arg) {
    while (NeedsCare(site)) [[unlikely]]
      TakeCare(site);
    Here()->EndRecordedRun();
    Store(kind_and_task, object, site, arg);
  }
  // From `next` on there is room for kMostAtOnce records at places that are explained.
  bool HasRoomForMost(std::uint64_t site, std::uint64_t other_site) const {
    return static_cast<std::uint64_t>(care_at - next) >= mapped::kMostAtOnce && IsExplained(site) &&
           IsExplained(other_site);
  }
  // They have been stored from `slots` on, which is `next` in a register.
  void PutMost(ThreadBlock* here, EventSlot* slots) {
    here->EndRecordedRun();
    Prefetch(slots + kAhead);
    next = slots;
    Advance(mapped::kMostAtOnce);
  }
  bool IsExplained(std::uint64_t site) const { return explained[Place(site)] == site; }
  // The time is due to be noted, or the place is to be explained, before an event there.
  bool NeedsCare(std::uint64_t site) const { return next == care_at || !IsExplained(site); }
  void TakeCare(std::uint64_t site);
  void PutTimeNow();
  void PutPlainly(ThreadBlock* here, EventKind kind, std::uint64_t task, std::uint64_t object,
                  std::uint64_t site, std::uint64_t arg) {
    here->EndRecordedRun();
    Store(EventSlot::Head(kind, task), object, site, arg);
  }
  // Where many transfers that share the newest record are counted.
  std::atomic<std::uint64_t>* NewestTimes() { return &next[-1].arg; }
  void PutTime(std::int64_t now);
  // So that a reader of the file knows the place.
  void Explain(std::uint64_t site) {
    if (!IsExplained(site)) [[unlikely]]
      ExplainSlowly(site);
  }
  void ExplainType(const char* name) noexcept;
  void GiveSlots();
  // Of the calling thread from now on.
  void BelongTo(ThreadBlock* here);

 private:
  static std::size_t Place(std::uint64_t key) { return (key >> 3) % kCached; }
  void Store(std::uint64_t kind_and_task, std::uint64_t object, std::uint64_t site,
             std::uint64_t arg) {
    // The next lock that is taken waits for these stores: their lines should be near by then.
    Prefetch(next + kAhead);
    next->Store(kind_and_task, object, site, arg);
    Advance(1);
  }
  void Advance(std::uint64_t records) {
    next += records;
    done->store(done->load(std::memory_order_relaxed) + records, std::memory_order_release);
  }
  // At `care_at`: from the end back to the beginning.
  void GoOn();
  void ExplainSlowly(std::uint64_t site) noexcept;
};

// The ring of the calling thread. Tasks move between threads: ask again after a switch.
inline Ring* MyRing() {
  Ring* ring = Here()->ring;
  return ring != nullptr ? ring : FirstRing();
}

}  // namespace stranded::internal

#endif  // STRANDED_RUNTIME_HOOKS_RECORDER_RING_H_
