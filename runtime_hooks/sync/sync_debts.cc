// Unlocks that are owed by tasks that were interrupted; see sync_park.h.
#include <algorithm>
#include <mutex>
#include <vector>

#include "runtime_hooks/sync/sync_park.h"

namespace stranded::internal {
namespace {

struct Debt {
  std::uint64_t task;
  std::uint64_t sync;  // ids are never used twice, addresses are
  bool shared;
  friend bool operator==(const Debt&, const Debt&) = default;
};

struct Debts {
  std::mutex mutex;
  std::vector<Debt> list;             // guarded by mutex
  std::atomic<std::size_t> count{0};  // relaxed: a task pays only debts it made itself
};

Debts& AllDebts() {
  static auto& debts = *new Debts;  // never destroyed: tasks outlive statics
  return debts;
}

}  // namespace

void OweUnlock(Task* self, const SyncBase* base, bool shared) {
  Debts& debts = AllDebts();
  std::lock_guard lock(debts.mutex);
  debts.list.push_back({self->id, base->id, shared});
  debts.count.store(debts.list.size(), std::memory_order_relaxed);
}

bool PayUnlock(Task* self, const SyncBase* base, bool shared) {
  Debts& debts = AllDebts();
  if (debts.count.load(std::memory_order_relaxed) == 0) return false;
  std::lock_guard lock(debts.mutex);
  const auto it = std::find(debts.list.begin(), debts.list.end(), Debt{self->id, base->id, shared});
  if (it == debts.list.end()) return false;
  debts.list.erase(it);
  debts.count.store(debts.list.size(), std::memory_order_relaxed);
  return true;
}

}  // namespace stranded::internal
