#include "runtime_hooks/registry/finished.h"

#include <array>

#include "stranded/internal/spin_lock.h"

namespace stranded::internal {
namespace {

constexpr std::size_t kSlots = 4096;

struct Slot {
  SpinLock lock;
  FinishedTask task ABSL_GUARDED_BY(lock);
};

Slot& SlotFor(std::uint64_t id) {
  static auto& slots = *new std::array<Slot, kSlots>;  // never destroyed: tasks outlive statics
  return slots[id % kSlots];
}

}  // namespace

void RememberFinished(const FinishedTask& entry) {
  Slot& slot = SlotFor(entry.id);
  SpawnNode* replaced = nullptr;
  {
    SpinGuard guard(slot.lock);
    replaced = slot.task.spawn;
    slot.task = entry;
  }
  UnrefSpawnNode(replaced);
}

bool FindFinished(std::uint64_t id, FinishedTask* out) {
  Slot& slot = SlotFor(id);
  SpinGuard guard(slot.lock);
  if (slot.task.id != id || id == 0) return false;
  *out = slot.task;
  if (out->spawn != nullptr) RefSpawnNode(out->spawn);
  return true;
}

}  // namespace stranded::internal
