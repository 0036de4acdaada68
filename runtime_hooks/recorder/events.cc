#include "runtime_hooks/recorder/events.h"

#include <cxxabi.h>

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "runtime_hooks/recorder/ring.h"
#include "runtime_hooks/scheduler/world.h"
#include "stranded/options.h"

namespace stranded::internal {

std::atomic<bool> tracing{false};
std::atomic<std::uint32_t> trace_turn{0};

namespace {

constexpr std::size_t kFewest = 64, kMost = std::size_t{1} << 22;

std::atomic<Ring*> rings{nullptr};
std::atomic<std::uint32_t> next_ring{1};

Ring* TakeRing() {
  for (Ring* r = rings.load(std::memory_order_acquire); r != nullptr; r = r->next_ring) {
    bool free = false;
    // Acquire: pairs with the release of the thread that had it.
    if (r->in_use.compare_exchange_strong(free, true, std::memory_order_acquire)) return r;
  }
  auto* ring = new Ring;
  ring->id = next_ring.fetch_add(1, std::memory_order_relaxed);
  ring->GiveSlots();
  ring->next_ring = rings.load(std::memory_order_relaxed);
  // Release: pairs with the acquire of the readers.
  while (!rings.compare_exchange_weak(ring->next_ring, ring, std::memory_order_release,
                                      std::memory_order_relaxed)) {
  }
  return ring;
}

void GiveRingBack(void* ring) {
  Here()->ring = nullptr;
  Here()->EndRuns();
  static_cast<Ring*>(ring)->in_use.store(false, std::memory_order_release);
}

RecordedEvent Read(const EventSlot& slot) {
  RecordedEvent e;
  const std::uint64_t head = slot.kind_and_task.load(std::memory_order_acquire);
  e.kind = static_cast<EventKind>(head >> mapped::kKindShift);
  e.task = head & mapped::kTaskMask;
  e.object = slot.object.load(std::memory_order_acquire);
  e.site = std::bit_cast<std::source_location>(slot.site.load(std::memory_order_acquire));
  e.arg = slot.arg.load(std::memory_order_acquire);
  return e;
}

// Records of kind kNone only carry the time of those that follow, and parks have one: else 0.
std::int64_t TimeIn(const RecordedEvent& e) {
  if (e.kind == EventKind::kNone) return static_cast<std::int64_t>(e.arg);
  return e.kind == EventKind::kPark ? static_cast<std::int64_t>(e.object) : 0;
}

void Copy(const Ring& ring, RingCopy* out) {
  const std::uint64_t size = ring.mask + 1;
  const std::uint64_t end = ring.done->load(std::memory_order_acquire);
  const std::uint64_t from = end > size ? end - size : 0;
  std::vector<RecordedEvent> raw;
  raw.reserve(end - from);
  for (std::uint64_t n = from; n < end; ++n) raw.push_back(Read(ring.slots[n & ring.mask]));
  // The slots that come next may be half overwritten already.
  const std::uint64_t next = ring.done->load(std::memory_order_relaxed) + mapped::kMostAtOnce;
  const std::uint64_t intact = next > size ? next - size : 0;
  out->ring = ring.id;
  out->first_seq = std::min(std::max(from, intact), end);
  out->lost = out->first_seq;
  out->events.clear();
  // The record with the time of the oldest ones may be overwritten: the next time must do.
  std::int64_t now = 0;
  for (std::uint64_t n = out->first_seq; n < end && now == 0; ++n) now = TimeIn(raw[n - from]);
  for (std::uint64_t n = out->first_seq; n < end; ++n) {
    RecordedEvent& e = raw[n - from];
    if (const std::int64_t time = TimeIn(e)) now = time;
    if (e.kind == EventKind::kPark) e.object = 0;
    e.time_ns = now;
    out->events.push_back(e);
  }
}

}  // namespace

void ForgetRings() {
  rings.store(nullptr, std::memory_order_relaxed);
  Here()->ring = nullptr;
}

std::size_t RingRecords() {
  static const std::size_t records = std::bit_ceil(
      std::clamp(static_cast<std::size_t>(std::max(0, GetOptions().ring)), kFewest, kMost));
  return records;
}

__attribute__((noinline, cold)) Ring* FirstRing() {
  Ring* ring = TakeRing();
  AtThreadEnd(&GiveRingBack, ring);
  ring->BelongTo(Here());
  ring->PutTimeNow();  // not that of the thread before; and now there is a newest record
  return ring;
}

void Ring::BelongTo(ThreadBlock* here) { here->ring = this; }

// In the file, or in memory if there is none or it is full.
void Ring::GiveSlots() {
  const std::size_t size = RingRecords();
  mask = size - 1;
  mapped::Block* block =
      AppendBlock(mapped::BlockKind::kRing, sizeof(mapped::Event), size * sizeof(mapped::Event));
  mapped = HasMappedFile();
  if (block == nullptr) {
    slots = new EventSlot[size]();
    done = &own_done;
  } else {
    block->ring = id;
    slots = reinterpret_cast<EventSlot*>(block + 1);
    static_assert(sizeof(std::atomic<std::uint64_t>) == sizeof block->count);
    done = reinterpret_cast<std::atomic<std::uint64_t>*>(&block->count);
  }
  next = care_at = slots;
}

void Ring::GoOn() {
  const std::uint64_t size = mask + 1;
  EventSlot* const end = slots + size;
  if (next == end) next = slots;
  // Twice in each round at least: readers leave out the oldest records, one may be among them.
  const std::uint64_t step = std::min(kTimeEvery, size / 2);
  care_at = static_cast<std::uint64_t>(end - next) < step ? end : next + step;
}

void Ring::PutTime(std::int64_t now) {
  if (next == care_at) GoOn();
  Here()->EndRecordedRun();
  time_ns = now;
  Store(0, 0, 0, static_cast<std::uint64_t>(now));
}

void Ring::PutTimeNow() {
  const Task* self = CurrentTaskOrNull();
  PutTime(self == nullptr ? time_ns : self->world->NowNs());
}

__attribute__((noinline)) void Ring::TakeCare(std::uint64_t site) {
  if (next == care_at) PutTimeNow();
  Explain(site);
}

void Ring::ExplainSlowly(std::uint64_t key) noexcept {
  explained[Place(key)] = key;
  if (key == 0 || !mapped) return;
  const auto site = std::bit_cast<std::source_location>(key);
  ExplainSite(key, site.file_name(), site.function_name(), site.line(), site.column());
}

// The one place that allocates under a channel's lock: once for each type of element.
void Ring::ExplainType(const char* name) noexcept {
  const auto key = reinterpret_cast<std::uint64_t>(name);
  if (explained[Place(key)] == key) return;
  explained[Place(key)] = key;
  int status = 0;
  char* text = abi::__cxa_demangle(name, nullptr, nullptr, &status);
  ExplainSite(key, status == 0 ? text : name, nullptr, 0, 0);
  std::free(text);
}

namespace {
__attribute__((noinline, cold)) void RecordWithCare(EventKind kind, std::uint64_t task,
                                                    std::uint64_t object,
                                                    const std::source_location& site,
                                                    std::uint64_t arg) {
  MyRing()->Put(kind, task, object, KeyOf(site), arg);
}
}  // namespace

// All that is rare is left by a tail call, so that nothing needs to be saved here.
void RecordSlow(EventKind kind, std::uint64_t task, std::uint64_t object,
                const std::source_location& site, std::uint64_t arg) {
  ThreadBlock* const here = Here();
  Ring* const ring = here->ring;
  const std::uint64_t key = KeyOf(site);
  if (ring == nullptr || ring->NeedsCare(key)) [[unlikely]]
    return RecordWithCare(kind, task, object, site, arg);
  ring->PutPlainly(here, kind, task, object, key, arg);
}

void ForEachRing(void (*f)(const RingCopy& copy, void* arg), void* arg) {
  RingCopy copy;
  for (Ring* r = rings.load(std::memory_order_acquire); r != nullptr; r = r->next_ring) {
    Copy(*r, &copy);
    if (!copy.events.empty()) f(copy, arg);
  }
}

}  // namespace stranded::internal
