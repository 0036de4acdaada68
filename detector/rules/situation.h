// What the rules ask about a snapshot, worked out once for all tasks.
//
// Overview: contexts that ended, lock holders and the chains of waits that begin with a lock.
// Thread safety: built once, then read only.
// Cost: linear in the snapshot; no recursion, chains can be as long as there are tasks.
#ifndef STRANDED_DETECTOR_RULES_SITUATION_H_
#define STRANDED_DETECTOR_RULES_SITUATION_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "detector/model/snapshot.h"
#include "detector/rules/liveness.h"
#include "stranded/analysis.h"

namespace stranded::detector {

// Where a chain of lock waits ends.
enum class ChainEnd : std::uint8_t {
  kNone,    // the task does not wait for a lock
  kSelf,    // for a lock it holds itself
  kCycle,   // in a cycle of lock waits, or before one
  kHolder,  // the holder is blocked on something that is no lock
  kOrphan,  // the holder has finished
  kAlive,   // the holder may go on
};

struct LockChain {
  ChainEnd end = ChainEnd::kNone;
  const Task* root = nullptr;  // cycle: its member with the smallest id; holder: the blocked holder
  bool in_cycle = false;
};

class Situation {
 public:
  Situation(const Dump& dump, const Snapshot& snapshot, const AnalysisOptions& options);

  const Dump& dump() const { return dump_; }
  const Snapshot& snap() const { return snap_; }
  const AnalysisOptions& options() const { return options_; }

  // Nothing can run in the task's world any more without help from outside. What the world says of
  // itself must agree with its tasks: it may be older, or part of the dump may be missing.
  bool Quiet(const Task& task) const;
  // It is blocked, and a timer or a task that may go on could end that.
  bool MayGoOn(const Task& task) const { return liveness_->MayGoOn(task); }
  bool Deadlocked(const Task& task) const;
  // Its leak scope is over: whatever is still there is late.
  bool ScopeEnded(const Task& task) const;
  // The same, and nothing else that was spawned in it goes on.
  bool ScopeStill(const Task& task) const;
  bool InFocus(const Task& task) const;
  bool Blocked(const Task& task) const { return task.state == TaskState::kBlocked; }
  // Nanoseconds since it blocked.
  std::int64_t Age(const Task& task) const;
  // Old enough to be called stuck: at once where nothing moves any more, else after min_age.
  bool Settled(const Task& task, std::int64_t since_ns) const;

  // The context whose end should have ended the task, or nullptr.
  const Context* EndedContext(const Task& task) const;
  // False only for contexts that never end, such as Background().
  bool CanEnd(Id context) const;
  const LockChain& Chain(const Task& task) const { return chains_[snap_.tasks.PositionOf(task)]; }
  // Whoever a task that waits for a lock waits for; nullptr if unknown.
  const Task* HolderFor(const Task& task) const;
  // The locks a task holds (ids), as far as they are in the dump.
  std::vector<const Sync*> LocksHeldBy(const Task& task) const;
  const WaitCase* FirstCase(const Task& task) const;
  const Channel* ChannelOf(const Task& task) const;

 private:
  void IndexLocks();
  void FollowChains();
  const Scope* EndedScope(const Task& task) const;
  // Every task of the world is in the dump.
  bool NothingMissing() const;

  const Dump& dump_;
  const Snapshot& snap_;
  const AnalysisOptions& options_;
  std::vector<LockChain> chains_;
  absl::flat_hash_map<Id, const Context*> cancellers_;      // by context: whose end reaches it
  absl::flat_hash_map<Id, const Task*> readers_;            // by lock: one who reads
  absl::flat_hash_map<Id, const Task*> writers_;            // by lock: who waits to write
  absl::flat_hash_map<Id, std::vector<const Sync*>> held_;  // by task
  std::unique_ptr<const Liveness> liveness_;
  // In no pool anything moves, or nothing but who asked: the tasks of one may wake those of
  // another.
  bool pools_quiet_ = true, pools_still_ = true;
};

bool IsLockWait(WaitKind kind);

}  // namespace stranded::detector

#endif  // STRANDED_DETECTOR_RULES_SITUATION_H_
