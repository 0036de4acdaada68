// The text tells which mutex a goroutine waits for, but not which it holds. Its other frames
// mention pointers; where one waiter mentions another's mutex and the other its, they likely hold
// them.
#include <algorithm>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "detector/go/rules.h"

namespace stranded::detector {
namespace {

bool Mentions(const GoLockWaiter& waiter, std::uint64_t lock) {
  return std::find(waiter.mentioned.begin(), waiter.mentioned.end(), lock) !=
         waiter.mentioned.end();
}

}  // namespace

std::vector<GoLockCycle> FindGoLockCycles(const GoDump& dump) {
  absl::flat_hash_map<std::uint64_t, std::vector<const GoLockWaiter*>> waiters;
  for (const GoLockWaiter& w : dump.lock_waiters) waiters[w.lock].push_back(&w);
  std::vector<GoLockCycle> cycles;
  absl::flat_hash_set<std::uint64_t> used;
  for (const GoLockWaiter& first : dump.lock_waiters) {
    if (used.contains(first.lock)) continue;
    for (const std::uint64_t held : first.mentioned) {
      if (held == first.lock || used.contains(held)) continue;
      const auto it = waiters.find(held);
      if (it == waiters.end()) continue;
      const auto other = std::find_if(it->second.begin(), it->second.end(), [&](const auto* w) {
        return w != &first && Mentions(*w, first.lock);
      });
      if (other == it->second.end()) continue;
      GoLockCycle cycle{{&first, *other}, {}};
      for (const std::uint64_t lock : {first.lock, held}) {
        used.insert(lock);
        for (const GoLockWaiter* w : waiters[lock]) {
          if (w != &first && w != *other) cycle.victims.push_back(w);
        }
      }
      cycles.push_back(std::move(cycle));
      break;
    }
  }
  return cycles;
}

}  // namespace stranded::detector
