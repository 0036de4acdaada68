#include "runtime_hooks/sync/count_credit.h"

#include "runtime_hooks/recorder/events.h"
#include "runtime_hooks/registry/thread_block.h"
#include "runtime_hooks/scheduler/biased_lock.h"
#include "runtime_hooks/scheduler/world.h"

namespace stranded::internal {
namespace {

CountCredit* Given(const SyncBase& base) {
  CountCredit* credit = base.credit.load(std::memory_order_relaxed);  // written under the lock
  return credit != nullptr && credit->given ? credit : nullptr;
}

}  // namespace

bool CountCredit::TakeDown(const Task* self, const std::source_location& site) {
  Share& mine = shares[NumberOfThread() % kShares];
  std::int64_t left = mine.left.load(std::memory_order_relaxed);
  if (left <= 0) return false;
  mine.last_done = SyncPeer{self->id, site};
  mine.done_ns.store(self->world->coarse_ns(), std::memory_order_relaxed);
  do {
    // Release pairs with the acquire of TakeCreditBack: what came before is seen by who waits.
    if (mine.left.compare_exchange_weak(left, left - 1, std::memory_order_release,
                                        std::memory_order_relaxed)) {
      return true;
    }
  } while (left > 0);
  return false;
}

CountCredit* CreditWanted() {
  static CountCredit wanted;  // never given: all its shares are empty
  return &wanted;
}

void AdoptCredit(SyncBase* base, std::unique_ptr<CountCredit>& made) {
  if (base->credit.load(std::memory_order_relaxed) != CreditWanted()) return;
  // Release pairs with the acquire of Add.
  base->credit.store(made.release(), std::memory_order_release);
}

std::int64_t CountWithCredit(const SyncBase& base) {
  std::int64_t count = base.counter;
  if (const CountCredit* credit = Given(base)) {
    for (const auto& share : credit->shares) count += share.left.load(std::memory_order_relaxed);
  }
  return count;
}

SyncPeer LastDoneOnCredit(const SyncBase& base) {
  SyncPeer last = base.last_done;
  const CountCredit* credit = Given(base);
  if (credit == nullptr) return last;
  std::int64_t newest = 0;
  for (const auto& share : credit->shares) {
    const std::int64_t at = share.done_ns.load(std::memory_order_relaxed);
    if (at <= newest) continue;
    newest = at;
    last = share.last_done;
  }
  return last;
}

void TakeCreditBack(SyncBase* base) {
  CountCredit* credit = Given(*base);
  if (credit == nullptr) return;
  base->last_done = LastDoneOf(*base);
  for (auto& share : credit->shares) {
    base->counter += share.left.exchange(0, std::memory_order_acquire);
    share.done_ns.store(0, std::memory_order_relaxed);
  }
  credit->given = false;
}

void GiveCredit(SyncBase* base, const Task* self) {
  if (!self->plain || tracing.load(std::memory_order_relaxed)) return;
  CountCredit* credit = base->credit.load(std::memory_order_relaxed);
  if (credit == nullptr) base->credit.store(CreditWanted(), std::memory_order_release);
  if (credit == nullptr || credit == CreditWanted()) return;
  const std::int64_t each = base->counter / static_cast<std::int64_t>(CountCredit::kShares + 1);
  for (auto& share : credit->shares) {
    share.left.store(each, std::memory_order_relaxed);
    // Somebody may have noted his Done after the last one was taken back, and counted elsewhere.
    share.done_ns.store(0, std::memory_order_relaxed);
    base->counter -= each;
  }
  credit->given = true;
}

void DropCredit(SyncBase* base) {
  CountCredit* credit = base->credit.exchange(nullptr, std::memory_order_relaxed);
  if (credit != CreditWanted()) delete credit;
}

}  // namespace stranded::internal
