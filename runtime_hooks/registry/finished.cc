#include "runtime_hooks/registry/finished.h"

#include <array>
#include <utility>

#include "runtime_hooks/context/context_node.h"
#include "runtime_hooks/registry/thread_block.h"
#include "runtime_hooks/scheduler/owner_lock.h"
#include "runtime_hooks/scheduler/task.h"

namespace stranded::internal {

// One thread's part of the memory.
struct FinishedRing {
  static constexpr std::size_t kSlots = 1024;
  struct Slot {
    std::atomic<std::uint64_t> id{0};  // relaxed: a hint outside the lock
    FinishedTask task;
  };
  OwnerLock lock;
  std::array<Slot, kSlots> slots;  // guarded by lock
  std::atomic<bool> in_use{true};
  FinishedRing* next = nullptr;

  Slot& For(std::uint64_t task) { return slots[task % kSlots]; }
};

namespace {

std::atomic<FinishedRing*> rings{nullptr};

void GiveRecordsBack(void* ring) {
  Here()->finished = nullptr;
  static_cast<FinishedRing*>(ring)->in_use.store(false, std::memory_order_release);
}

// The ring of a thread that has ended, with what it remembers, or a new one.
__attribute__((noinline)) FinishedRing* TakeRing() {
  FinishedRing* ring = rings.load(std::memory_order_acquire);
  for (; ring != nullptr; ring = ring->next) {
    bool used = false;
    // Acquire pairs with the release in GiveRecordsBack.
    if (ring->in_use.compare_exchange_strong(used, true, std::memory_order_acquire)) break;
  }
  if (ring == nullptr) {
    ring = new FinishedRing;  // never destroyed: tasks outlive statics
    ring->next = rings.load(std::memory_order_relaxed);
    // Release pairs with the acquire of whoever walks the list.
    while (!rings.compare_exchange_weak(ring->next, ring, std::memory_order_release,
                                        std::memory_order_relaxed)) {
    }
  }
  AtThreadEnd(&GiveRecordsBack, ring);
  Here()->finished = ring;
  return ring;
}

// The owner is inside, and goes out.
inline void Remember(FinishedRing* ring, const Task& task) ABSL_UNLOCK_FUNCTION(ring->lock) {
  FinishedRing::Slot& slot = ring->For(task.id);
  FinishedTask& entry = slot.task;
  SpawnNode* const replaced = entry.origin.Owned();
  entry.id = task.id;
  entry.origin = task.origin;
  entry.context = task.context == nullptr ? 0 : task.context->id;
  entry.created_ns = task.created_ns;
  entry.last_kind = task.last_kind.load(std::memory_order_relaxed);
  entry.last_site = task.last_site.load(std::memory_order_relaxed);
  slot.id.store(task.id, std::memory_order_relaxed);
  ring->lock.OwnerLeave();
  UnrefSpawnNode(replaced);
}

__attribute__((noinline)) void RememberSlowly(FinishedRing* ring, const Task& task) {
  if (ring == nullptr) ring = TakeRing();
  ring->lock.OwnerEnter();
  Remember(ring, task);
}

}  // namespace

void RememberFinished(const Task& task) {
  FinishedRing* const ring = Here()->finished;
  if (ring == nullptr || !ring->lock.OwnerTryEnter()) [[unlikely]]
    return RememberSlowly(ring, task);
  Remember(ring, task);
}

bool MayFindFinished(std::uint64_t id) {
  for (FinishedRing* ring = rings.load(std::memory_order_acquire); ring != nullptr;
       ring = ring->next) {
    if (ring->For(id).id.load(std::memory_order_relaxed) == id) return true;
  }
  return false;
}

bool FindFinished(std::uint64_t id, FinishedTask* out) {
  if (id == 0) return false;
  for (FinishedRing* ring = rings.load(std::memory_order_acquire); ring != nullptr;
       ring = ring->next) {
    FinishedRing::Slot& slot = ring->For(id);
    if (slot.id.load(std::memory_order_relaxed) != id) continue;
    ring->lock.Enter();
    const bool found = slot.task.id == id;
    if (found) {
      *out = slot.task;
      RefOrigin(out->origin);
    }
    ring->lock.Leave();
    if (found) return true;
  }
  return false;
}

}  // namespace stranded::internal
