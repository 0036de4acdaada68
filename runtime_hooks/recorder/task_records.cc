// Records of tasks: written at spawn, park and finish.
#include <cstring>

#include "runtime_hooks/channel/chan_core.h"
#include "runtime_hooks/context/context_node.h"
#include "runtime_hooks/recorder/object_records.h"
#include "runtime_hooks/recorder/record_lock.h"
#include "runtime_hooks/recorder/ring.h"
#include "runtime_hooks/recorder/state_table.h"
#include "runtime_hooks/recorder/task_notes.h"
#include "runtime_hooks/scheduler/world.h"
#include "stranded/internal/sync_base.h"

namespace stranded::internal {
namespace {

constexpr std::int64_t kWorthNotingNs = 1000;

// On by more than that, or back.
__attribute__((always_inline)) inline bool TimeHasMoved(const Ring* ring, const Task* task,
                                                        std::int64_t least_ns) {
  const std::int64_t now = task->world->coarse_ns();
  const auto moved = static_cast<std::uint64_t>(now - ring->time_ns + least_ns);
  return moved > 2 * static_cast<std::uint64_t>(least_ns);
}

inline void NoteTime(Ring* ring, const Task* task, std::int64_t least_ns) {
  if (TimeHasMoved(ring, task, least_ns)) [[unlikely]]
    ring->PutTime(task->world->coarse_ns());
}

// Of most tasks: kNameless says it all.
bool HasNoOtherFlags(const Task* task) {
  return !(task->is_thread | task->daemon | task->pinned | task->is_main) &&
         task->world->UsesThreads() && task->origin.Node() == nullptr;
}

std::uint8_t FlagsOf(const Task* task) {
  std::uint8_t flags = 0;
  if (task->is_thread || task->daemon || task->pinned || task->is_main) [[unlikely]] {
    if (task->is_thread) flags |= mapped::kThread;
    if (task->daemon) flags |= mapped::kDaemon;
    if (task->pinned) flags |= mapped::kPinned;
    if (task->is_main) flags |= mapped::kMain;
  }
  if (!task->world->UsesThreads()) flags |= mapped::kVirtualTime;
  if (task->name().empty()) flags |= mapped::kNameless;
  if (task->group.load(std::memory_order_relaxed) != 0) flags |= mapped::kGrouped;
  return flags;
}

__attribute__((noinline)) void WriteName(mapped::Task* r, std::string_view name) {
  const std::size_t size = std::min(name.size(), sizeof r->name - 1);
  std::memcpy(r->name, name.data(), size);
  r->name[size] = '\0';
}

// Alive, and neither waiting nor with cases. In one store: the four bytes lie side by side.
struct Begun {
  std::uint8_t state, wait, flags, cases;
};
static_assert(offsetof(mapped::Task, wait) == offsetof(mapped::Task, state) + 1);
static_assert(offsetof(mapped::Task, flags) == offsetof(mapped::Task, state) + 2);
static_assert(offsetof(mapped::Task, cases) == offsetof(mapped::Task, state) + 3);

__attribute__((always_inline)) inline void FillRecord(mapped::Task* r, Task* task,
                                                      const ContextNode* context,
                                                      std::uint64_t parent, std::uint8_t flags) {
  // Its spawn was recorded a moment ago: the place is explained.
  const std::uint64_t site = KeyOf(task->origin.site);
  {
    const RecordLock lock(r->seq);
    r->id = task->id;
    r->parks = 0;
    r->woken = 0;
    r->spawn_site = site;
    r->parent = parent;
    r->context = context == nullptr ? 0 : context->id;
    r->world = task->world_id.load(std::memory_order_relaxed);
    r->created_ns = task->created_ns;
    const Begun begun{mapped::kLive, 0, flags, 0};
    std::memcpy(&r->state, &begun, sizeof begun);
    if ((flags & mapped::kNameless) == 0) WriteName(r, task->name());
    if ((flags & mapped::kGrouped) != 0) r->group = task->group.load(std::memory_order_relaxed);
  }
  task->record = r;
}

__attribute__((noinline)) void MakeRecordWithCare(Ring* ring, Task* task, std::uint64_t parent) {
  auto* r = static_cast<mapped::Task*>(
      TakeRecord(ring->records[static_cast<int>(RecordKind::kTask)], RecordKind::kTask));
  if (r == nullptr) return;
  const ContextNode* context = task->context;
  if (context != nullptr && context->record.load(std::memory_order_acquire) == nullptr) {
    NeedContextRecord(ring, task->context);
  }
  FillRecord(r, task, context, parent, FlagsOf(task));
}

__attribute__((always_inline)) inline void MakeRecord(Ring* ring, Task* task,
                                                      std::uint64_t parent) {
  RecordCache& cache = ring->records[static_cast<int>(RecordKind::kTask)];
  const ContextNode* context = task->context;
  if (cache.head == nullptr || context == nullptr ||
      context->record.load(std::memory_order_acquire) == nullptr || !HasNoOtherFlags(task))
      [[unlikely]] {
    return MakeRecordWithCare(ring, task, parent);
  }
  auto* r = static_cast<mapped::Task*>(PopRecord(cache));
  const bool grouped = task->group.load(std::memory_order_relaxed) != 0;
  FillRecord(r, task, context, parent,
             grouped ? mapped::kNameless | mapped::kGrouped : mapped::kNameless);
}

void WriteCase(Ring* ring, mapped::Case& out, const SelectCase& c) {
  CaseOp op = c.op;
  std::uint64_t object = 0;
  if (c.op == CaseOp::kDone || (c.chan != nullptr && c.chan->role == ChanRole::kContextDone)) {
    op = CaseOp::kDone;
    if (c.context != nullptr) {
      NeedContextRecord(ring, c.context);
      object = c.context->id;
    }
    if (c.chan != nullptr && c.chan->role == ChanRole::kContextDone) object = c.chan->context_id;
  } else if (c.chan != nullptr) {
    NeedChannelRecord(ring, c.chan);
    object = c.chan->id;
  }
  out.op_and_object = mapped::CaseKey(static_cast<std::uint8_t>(op), object);
  out.site = KeyOf(c.site);
  ring->Explain(out.site);
}

void WriteOffers(Ring* ring, mapped::Task* r, const WaitRecord& wait) {
  std::size_t count = 0;
  const auto add = [&](const SelectCase& c) {
    if (count < mapped::kMostCases) WriteCase(ring, r->offers[count], c);
    ++count;
  };
  for (std::uint32_t i = 0; i < wait.case_count; ++i) {
    if (count <= mapped::kMostCases) add(wait.cases[i]);
  }
  if (wait.done_context != nullptr) {
    SelectCase done;
    done.op = CaseOp::kDone;
    done.context = wait.done_context;
    done.site = wait.site;
    add(done);
  }
  r->cases = static_cast<std::uint8_t>(std::min(count, mapped::kMostCases + 1));
}

void DropRecord(Ring* ring, Task* task) {
  auto* r = static_cast<mapped::Task*>(task->record);
  if (r == nullptr) return;
  task->record = nullptr;
  GiveRecordBack(ring, r, RecordKind::kTask);
}

// All that is rare is left by a tail call, so that nothing needs to be saved. The first and the
// last event of a task happen on its own stack, which is not in the processor's cache.
__attribute__((noinline, cold)) void SpawnWithCare(const Task* spawner, Task* task) {
  Ring* ring = MyRing();
  if (spawner != nullptr) NoteTime(ring, spawner, kWorthNotingNs);
  const std::uint64_t parent = spawner == nullptr ? 0 : spawner->id;
  ring->Put(EventKind::kSpawn, parent, 0, KeyOf(task->origin.site), task->id);
  if (ring->mapped && HasMappedFile()) MakeRecordWithCare(ring, task, parent);
}
__attribute__((noinline, cold)) void StartWithCare(const Task* self) {
  MyRing()->Put(EventKind::kStart, self->id, 0, KeyOf(self->origin.site), 0);
}
__attribute__((noinline)) void ParkWithCare(Task* self) {
  Ring* ring = MyRing();
  ring->time_ns = self->wait.since_ns;
  ring->Put(EventKind::kPark, self->id, static_cast<std::uint64_t>(self->wait.since_ns),
            KeyOf(self->wait.site), static_cast<std::uint64_t>(self->wait.kind));
  if (self->record != nullptr) RecordWait(ring, static_cast<mapped::Task*>(self->record), self);
}
__attribute__((noinline)) void ResumeWithCare(const Task* self) {
  NoteTime(MyRing(), self, self->wait.kind == WaitKind::kSleep ? 0 : kWorthNotingNs);
}
__attribute__((noinline, cold)) void FinishWithCare(Task* self) {
  Ring* ring = MyRing();
  ring->Put(EventKind::kFinish, self->id, 0, KeyOf(self->origin.site), 0);
  DropRecord(ring, self);
}

}  // namespace

void RecordWait(Ring* ring, mapped::Task* r, const Task* self) {
  const WaitRecord& wait = self->wait;
  if (wait.sync != nullptr) NeedSyncRecord(ring, wait.sync);
  const RecordLock lock(r->seq);
  const std::uint64_t world = self->world_id.load(std::memory_order_relaxed);
  if (r->world != world) [[unlikely]] {
    r->world = world;
    r->flags = FlagsOf(self);
  }
  r->wait = static_cast<std::uint8_t>(wait.kind);
  r->flags = static_cast<std::uint8_t>(wait.range ? r->flags | mapped::kRange
                                                  : r->flags & ~mapped::kRange);
  r->wait_site = KeyOf(wait.site);
  r->since_ns = wait.since_ns;
  r->until_ns = wait.until_ns;
  r->object = wait.sync != nullptr ? wait.sync->id : wait.join_task;
  WriteOffers(ring, r, wait);
  NotePark(r, self);
  r->state = mapped::kParked;
}

void RecordSpawn(const Task* spawner, Task* task) {
  ThreadBlock* const here = Here();
  Ring* const ring = here->ring;
  const std::uint64_t site = KeyOf(task->origin.site);
  if (ring == nullptr || spawner == nullptr || TimeHasMoved(ring, spawner, kWorthNotingNs) ||
      ring->NeedsCare(site)) [[unlikely]] {
    return SpawnWithCare(spawner, task);
  }
  ring->PutPlainly(here, EventKind::kSpawn, spawner->id, 0, site, task->id);
  if (ring->mapped && HasMappedFile()) MakeRecord(ring, task, spawner->id);
}

void RecordAdopted(Task* thread) {
  Ring* ring = MyRing();
  if (ring->mapped && HasMappedFile()) MakeRecordWithCare(ring, thread, 0);
}

void RecordStart(const Task* self) {
  ThreadBlock* const here = Here();
  Ring* const ring = here->ring;
  const std::uint64_t site = KeyOf(self->origin.site);
  if (ring == nullptr || ring->NeedsCare(site)) [[unlikely]]
    return StartWithCare(self);
  ring->PutPlainly(here, EventKind::kStart, self->id, 0, site, 0);
}

void RecordPark(Task* self) {
  ThreadBlock* const here = Here();
  Ring* const ring = here->ring;
  const std::uint64_t site = KeyOf(self->wait.site);
  if (ring == nullptr || ring->NeedsCare(site)) [[unlikely]]
    return ParkWithCare(self);
  const std::int64_t since = self->wait.since_ns;
  ring->time_ns = since;
  ring->PutPlainly(here, EventKind::kPark, self->id, static_cast<std::uint64_t>(since), site,
                   static_cast<std::uint64_t>(self->wait.kind));
  auto* const r = static_cast<mapped::Task*>(self->record);
  if (r == nullptr) return;
  const WaitKind kind = self->wait.kind;
  const bool on_channel = kind == WaitKind::kChanRecv || kind == WaitKind::kChanSend;
  return on_channel ? RecordChannelWait(ring, r, self) : RecordWait(ring, r, self);
}

void RecordResume(Task* self) {
  Ring* const ring = Here()->ring;
  if (ring == nullptr || self->wait.kind == WaitKind::kSleep ||
      TimeHasMoved(ring, self, kWorthNotingNs)) [[unlikely]] {
    return ResumeWithCare(self);
  }
}

void RecordTime(std::int64_t now_ns) {
  Ring* ring = MyRing();
  if (ring->time_ns != now_ns) ring->PutTime(now_ns);
}

void RecordFinish(Task* self) {
  ThreadBlock* const here = Here();
  Ring* const ring = here->ring;
  const std::uint64_t site = KeyOf(self->origin.site);
  if (ring == nullptr || ring->NeedsCare(site)) [[unlikely]]
    return FinishWithCare(self);
  ring->PutPlainly(here, EventKind::kFinish, self->id, 0, site, 0);
  DropRecord(ring, self);
}

void RecordLeftGroup(Task* self) {
  if (!HasMappedFile()) return;
  auto* r = static_cast<mapped::Task*>(self->record);
  const std::atomic_ref<std::uint8_t> flags(r->flags);
  flags.store(flags.load(std::memory_order_relaxed) & ~mapped::kGrouped, std::memory_order_relaxed);
}

void RecordWoken(const Task* task) { NoteWoken(task); }

}  // namespace stranded::internal
