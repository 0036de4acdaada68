// The text tells which mutex a goroutine waits for, but not which it holds. Its other frames
// mention pointers; where each of several waiters mentions the mutex of the next, in a ring, they
// likely hold them.
#include <algorithm>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "detector/go/rules.h"

namespace stranded::detector {
namespace {

using Waiters = absl::flat_hash_map<std::uint64_t, std::vector<const GoLockWaiter*>>;

// A walk along waiters: each mentions a mutex that the next waits for.
class Rings {
 public:
  explicit Rings(const std::vector<const GoLockWaiter*>& waiters) {
    for (const GoLockWaiter* w : waiters) of_lock_[w->lock].push_back(w);
    for (const GoLockWaiter* w : waiters) Walk(w);
  }
  std::vector<GoLockCycle> Take() { return std::move(cycles_); }

 private:
  struct Step {
    const GoLockWaiter* waiter;
    std::size_t next = 0;  // of what it mentions
  };

  // Each mutex is entered once, by whichever of its waiters; so all of it is linear.
  void Walk(const GoLockWaiter* first) {
    if (!entered_.insert(first->lock).second) return;
    path_.assign(1, {first});
    on_path_ = {{first->lock, 0}};
    while (!path_.empty()) {
      Step& step = path_.back();
      if (step.next == step.waiter->mentioned.size()) {
        on_path_.erase(step.waiter->lock);
        path_.pop_back();
        continue;
      }
      const std::uint64_t held = step.waiter->mentioned[step.next++];
      if (held == step.waiter->lock) continue;
      if (const auto at = on_path_.find(held); at != on_path_.end()) {
        Close(at->second);
      } else if (const auto it = of_lock_.find(held); it != of_lock_.end()) {
        // Who holds it and waits for something else is unknown; the first that leads on is taken.
        if (entered_.insert(held).second) {
          on_path_.emplace(held, path_.size());
          path_.push_back({Leading(it->second)});
        }
      }
    }
  }

  // Of those that wait for one mutex, one that mentions another mutex with waiters.
  const GoLockWaiter* Leading(const std::vector<const GoLockWaiter*>& waiters) const {
    for (const GoLockWaiter* w : waiters) {
      for (const std::uint64_t m : w->mentioned) {
        if (m != w->lock && on_path_.contains(m)) return w;
      }
    }
    for (const GoLockWaiter* w : waiters) {
      for (const std::uint64_t m : w->mentioned) {
        if (m != w->lock && of_lock_.contains(m)) return w;
      }
    }
    return waiters.front();
  }

  void Close(std::size_t from) {
    GoLockCycle cycle;
    for (std::size_t i = from; i < path_.size(); ++i) {
      if (used_.contains(path_[i].waiter->lock)) return;
      cycle.members.push_back(path_[i].waiter);
    }
    for (const GoLockWaiter* member : cycle.members) {
      used_.insert(member->lock);
      for (const GoLockWaiter* w : of_lock_[member->lock]) {
        if (w != member) cycle.victims.push_back(w);
      }
    }
    cycles_.push_back(std::move(cycle));
  }

  Waiters of_lock_;
  absl::flat_hash_set<std::uint64_t> entered_, used_;
  std::vector<Step> path_;
  absl::flat_hash_map<std::uint64_t, std::size_t> on_path_;
  std::vector<GoLockCycle> cycles_;
};

}  // namespace

std::vector<GoLockCycle> FindGoLockCycles(const GoDump& dump, bool stopped) {
  std::vector<const GoLockWaiter*> waiters;
  for (const GoLockWaiter& w : dump.lock_waiters) {
    // In a program that runs, two that wait for a moment and know each other are nothing.
    if (stopped || dump.groups[w.group].least_minutes > 0) waiters.push_back(&w);
  }
  return Rings(waiters).Take();
}

}  // namespace stranded::detector
