#include "runtime_hooks/recorder/events.h"

#include <algorithm>
#include <array>
#include <bit>
#include <utility>

#include "runtime_hooks/scheduler/world.h"

namespace stranded::internal {

std::atomic<bool> tracing{false};

namespace {

constexpr int kKindShift = 56;
constexpr std::uint64_t kTaskMask = (std::uint64_t{1} << kKindShift) - 1;

// A source_location is one pointer to static data with both compilers: eight bytes instead of four
// fields.
static_assert(sizeof(std::source_location) == sizeof(std::uint64_t));

// Words are atomic because a reader may look while the owner overwrites; it finds out afterwards.
struct Slot {
  std::atomic<std::uint64_t> kind_and_task{0}, object{0}, site{0}, arg{0};
};

struct Ring {
  std::array<Slot, kRingRecords> slots;
  // Records ever started and ever completed. A reader needs both: what lies between may be torn.
  std::atomic<std::uint64_t> started{0}, done{0};
  std::atomic<bool> in_use{true};
  std::int64_t last_time_ns = -1;  // owner only
  std::uint32_t id = 0;
  Ring* next = nullptr;
};

std::atomic<Ring*> rings{nullptr};
std::atomic<std::uint32_t> next_ring{1};

Ring* TakeRing() {
  for (Ring* r = rings.load(std::memory_order_acquire); r != nullptr; r = r->next) {
    bool free = false;
    // Acquire: pairs with the release of the thread that had it.
    if (r->in_use.compare_exchange_strong(free, true, std::memory_order_acquire)) return r;
  }
  auto* ring = new Ring;
  ring->id = next_ring.fetch_add(1, std::memory_order_relaxed);
  ring->next = rings.load(std::memory_order_relaxed);
  // Release: pairs with the acquire of the readers.
  while (!rings.compare_exchange_weak(ring->next, ring, std::memory_order_release,
                                      std::memory_order_relaxed)) {
  }
  return ring;
}

struct Mine {
  Ring* ring = nullptr;
  ~Mine() {
    if (Ring* r = std::exchange(ring, nullptr)) r->in_use.store(false, std::memory_order_release);
  }
};
thread_local Mine mine;

// Tasks move between threads: the barrier keeps the compiler from reusing the address.
__attribute__((noinline)) Ring* MyRing() {
  Mine* p = &mine;
  asm volatile("" : "+r"(p)::"memory");
  if (p->ring == nullptr) p->ring = TakeRing();
  return p->ring;
}

void Put(Ring* ring, std::uint64_t kind_and_task, std::uint64_t object, std::uint64_t site,
         std::uint64_t arg) {
  const std::uint64_t n = ring->done.load(std::memory_order_relaxed);
  ring->started.store(n + 1, std::memory_order_relaxed);
  // Release: a reader that sees one of the new words then sees `started`, too.
  Slot& slot = ring->slots[n % kRingRecords];
  slot.kind_and_task.store(kind_and_task, std::memory_order_release);
  slot.object.store(object, std::memory_order_release);
  slot.site.store(site, std::memory_order_release);
  slot.arg.store(arg, std::memory_order_release);
  ring->done.store(n + 1, std::memory_order_release);
}

RecordedEvent Read(const Slot& slot) {
  RecordedEvent e;
  const std::uint64_t head = slot.kind_and_task.load(std::memory_order_acquire);
  e.kind = static_cast<EventKind>(head >> kKindShift);
  e.task = head & kTaskMask;
  e.object = slot.object.load(std::memory_order_acquire);
  e.site = std::bit_cast<std::source_location>(slot.site.load(std::memory_order_acquire));
  e.arg = slot.arg.load(std::memory_order_acquire);
  return e;
}

// Records of kind kNone only carry the time of those that follow.
void Copy(const Ring& ring, RingCopy* out) {
  const std::uint64_t end = ring.done.load(std::memory_order_acquire);
  const std::uint64_t from = end > kRingRecords ? end - kRingRecords : 0;
  std::vector<RecordedEvent> raw;
  raw.reserve(end - from);
  for (std::uint64_t n = from; n < end; ++n) raw.push_back(Read(ring.slots[n % kRingRecords]));
  const std::uint64_t started = ring.started.load(std::memory_order_relaxed);
  const std::uint64_t intact = started > kRingRecords ? started - kRingRecords : 0;
  out->ring = ring.id;
  out->first_seq = std::max(from, intact);
  out->lost = out->first_seq;
  out->events.clear();
  std::int64_t now = 0;
  for (std::uint64_t n = out->first_seq; n < end; ++n) {
    RecordedEvent& e = raw[n - from];
    if (e.kind == EventKind::kNone) now = static_cast<std::int64_t>(e.arg);
    e.time_ns = now;
    out->events.push_back(e);
  }
}

}  // namespace

void RecordSlow(EventKind kind, std::uint64_t task, std::uint64_t object,
                const std::source_location& site, std::uint64_t arg) {
  Ring* ring = MyRing();
  const Task* self = CurrentTaskOrNull();
  const std::int64_t now = self == nullptr ? 0 : self->world->coarse_ns();
  // After the ring has gone round once the time must stand in it again.
  const bool repeat = ring->done.load(std::memory_order_relaxed) % 256 == 0;
  if (now != ring->last_time_ns || repeat) {
    ring->last_time_ns = now;
    Put(ring, 0, 0, 0, static_cast<std::uint64_t>(now));
  }
  Put(ring, static_cast<std::uint64_t>(kind) << kKindShift | (task & kTaskMask), object,
      std::bit_cast<std::uint64_t>(site), arg);
}

void ForEachRing(void (*f)(const RingCopy& copy, void* arg), void* arg) {
  RingCopy copy;
  for (Ring* r = rings.load(std::memory_order_acquire); r != nullptr; r = r->next) {
    Copy(*r, &copy);
    if (!copy.events.empty()) f(copy, arg);
  }
}

}  // namespace stranded::internal
