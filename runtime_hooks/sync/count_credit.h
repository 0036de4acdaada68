// The part of a wait group's count that goes down without its lock.
//
// Overview: where two workers call Done all the time, each waits for the lines of the cache that
// the other one has just written, for longer than a small task takes. So the holder of the lock
// gives most of a large count away, in shares that lie in lines of their own: a thread counts down
// its share. Who finds his empty takes the lock, takes all shares back and gives anew.
// Thread safety: TakeDown() from any thread that has something to count down; DropCredit() by the
// destructor; the rest with the lock of the SyncBase held.
// Invariants: the count is `counter` and what is left of the shares. While something was given
// `counter` is at least 1, so the count comes to zero under the lock only. Not in controlled
// worlds, where each step is explored, and not in traces, which keep the count up in their file.
// Ownership: of the wait group, from the first time that it pays until its destructor. Whoever
// counts down touches neither after the exchange: the wait group may be gone.
#ifndef STRANDED_RUNTIME_HOOKS_SYNC_COUNT_CREDIT_H_
#define STRANDED_RUNTIME_HOOKS_SYNC_COUNT_CREDIT_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "runtime_hooks/scheduler/task.h"
#include "stranded/internal/sync_base.h"

namespace stranded::internal {

struct CountCredit {
  static constexpr std::size_t kShares = 8;
  static constexpr std::int64_t kWorthIt = 16 * kShares;  // less than that goes down one by one
  struct alignas(64) Share {
    std::atomic<std::int64_t> left{0};
    std::atomic<std::int64_t> done_ns{0};  // of `last_done`; 0: there was none. Relaxed
    LooseSyncPeer last_done;
  };
  Share shares[kShares];
  bool given = false;  // guarded by the lock

  // From the share of the calling thread; false if it is empty.
  bool TakeDown(const Task* self, const std::source_location& site);
};

// In place of one: it would pay, and the next to count down makes it, before it takes the lock.
CountCredit* CreditWanted();
// Leaves it where it is if there is one by now.
void AdoptCredit(SyncBase* base, std::unique_ptr<CountCredit>& made);

std::int64_t CountWithCredit(const SyncBase& base);
SyncPeer LastDoneOnCredit(const SyncBase& base);
inline std::int64_t CountOf(const SyncBase& base) {
  const bool has_credit = base.credit.load(std::memory_order_relaxed) != nullptr;
  return has_credit ? CountWithCredit(base) : base.counter;
}
// Of several that came within one tick of the coarse clock, any.
inline SyncPeer LastDoneOf(const SyncBase& base) {
  const bool has_credit = base.credit.load(std::memory_order_relaxed) != nullptr;
  return has_credit ? LastDoneOnCredit(base) : SyncPeer(base.last_done);
}
// Afterwards `counter` is the whole count.
void TakeCreditBack(SyncBase* base);
// Of a count of at least kWorthIt, to which several threads add and do.
void GiveCredit(SyncBase* base, const Task* self);
void DropCredit(SyncBase* base);

}  // namespace stranded::internal

#endif  // STRANDED_RUNTIME_HOOKS_SYNC_COUNT_CREDIT_H_
