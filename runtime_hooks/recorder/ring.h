// One thread's ring of events, and what the thread keeps for itself beside it.
//
// Overview: five plain stores for an event. The slots lie in the mapped file if there is one, else
// in memory. Thread safety: one writer, the thread that has it; readers copy and drop what was
// overwritten meanwhile. Invariants: slot n % size is complete once `done` is greater than n; while
// a reader sees `done` == d, slot d % size may be torn and all others are whole. Ownership: rings
// are never freed; the ring of a thread that has ended keeps its records until another thread takes
// it.
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
};
static_assert(sizeof(EventSlot) == sizeof(mapped::Event));

Ring* FirstRing();

struct Ring {
  static constexpr std::size_t kCached = 256, kAhead = 8;
  static constexpr std::uint64_t kTimeEvery = 256;  // after going round once it must stand in it

  EventSlot* slots = nullptr;
  std::uint64_t mask = 0, count = 0;           // owner only
  std::atomic<std::uint64_t>* done = nullptr;  // the same as `count`, for readers
  bool mapped = false;
  std::int64_t time_ns = 0;  // owner only: the last one recorded
  std::array<std::uint64_t, kCached> explained{};
  std::array<RecordCache, kRecordKinds> records{};

  std::uint32_t id = 0;
  std::atomic<bool> in_use{true};
  std::atomic<std::uint64_t> own_done{0};  // `done` without a file
  Ring* next = nullptr;

  void Put(EventKind kind, std::uint64_t task, std::uint64_t object, std::uint64_t site,
           std::uint64_t arg) {
    if (NeedsCare(site)) [[unlikely]]
      TakeCare(site);
    PutPlainly(kind, task, object, site, arg);
  }
  // The time is due to be noted, or the place is to be explained, before an event there.
  bool NeedsCare(std::uint64_t site) const {
    return count % kTimeEvery == 0 || explained[Place(site)] != site;
  }
  void TakeCare(std::uint64_t site);
  void PutPlainly(EventKind kind, std::uint64_t task, std::uint64_t object, std::uint64_t site,
                  std::uint64_t arg) {
    Store(static_cast<std::uint64_t>(kind) << mapped::kKindShift | (task & mapped::kTaskMask),
          object, site, arg);
  }
  void PutTime(std::int64_t now) {
    time_ns = now;
    Store(0, 0, 0, static_cast<std::uint64_t>(now));
  }
  // So that a reader of the file knows the place.
  void Explain(std::uint64_t site) {
    if (explained[Place(site)] != site) [[unlikely]]
      ExplainSlowly(site);
  }
  void ExplainType(const char* name);

 private:
  static std::size_t Place(std::uint64_t key) { return (key >> 3) % kCached; }
  void Store(std::uint64_t kind_and_task, std::uint64_t object, std::uint64_t site,
             std::uint64_t arg) {
    const std::uint64_t n = count;
    EventSlot& slot = slots[n & mask];
    // The next lock that is taken waits for these stores: their lines should be near by then.
    Prefetch(&slots[(n + kAhead) & mask]);
    // Release: a reader that sees one of the new words then sees `done` as it was before, too.
    slot.kind_and_task.store(kind_and_task, std::memory_order_release);
    slot.object.store(object, std::memory_order_release);
    slot.site.store(site, std::memory_order_release);
    slot.arg.store(arg, std::memory_order_release);
    count = n + 1;
    done->store(n + 1, std::memory_order_release);
  }
  void ExplainSlowly(std::uint64_t site);
};

// The ring of the calling thread. Tasks move between threads: ask again after a switch.
inline Ring* MyRing() {
  Ring* ring = Here()->ring;
  return ring != nullptr ? ring : FirstRing();
}

}  // namespace stranded::internal

#endif  // STRANDED_RUNTIME_HOOKS_RECORDER_RING_H_
