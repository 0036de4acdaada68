// What the rules ask about a snapshot, worked out once for all tasks.
//
// Overview: contexts that ended, lock holders and the chains of waits that begin with a lock.
// Thread safety: one thread; some indices are made at first use. Cost: linear in the snapshot; no
// recursion, chains can be as long as there are tasks.
#ifndef STRANDED_DETECTOR_RULES_SITUATION_H_
#define STRANDED_DETECTOR_RULES_SITUATION_H_

#include <array>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "detector/model/snapshot.h"
#include "detector/rules/liveness.h"
#include "detector/rules/wait_cycles.h"
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

struct AgeRange {
  std::int64_t least_ns = 0, most_ns = 0;
};

struct LockChain {
  ChainEnd end = ChainEnd::kNone;
  const Task* root = nullptr;  // cycle: its member with the smallest id; holder: the blocked holder
  bool in_cycle = false;
};

// By channel and task: how many sends of it went through.
using RecordedSends = absl::flat_hash_map<Id, absl::flat_hash_map<Id, std::uint64_t>>;

class Situation {
 public:
  Situation(const Dump& dump, const Snapshot& snapshot, const AnalysisOptions& options);

  const Dump& dump() const { return dump_; }
  const Snapshot& snap() const { return snap_; }
  const AnalysisOptions& options() const { return options_; }

  // Nothing can run in the task's world any more without help from outside. What the world says of
  // itself must agree with its tasks: it may be older, or part of the dump may be missing.
  bool Quiet(const Task& task) const;
  // It is quiet, but threads that are no tasks were alive: how many. Each may still wake a task.
  std::uint32_t ThreadsBeside(const Task& task) const;
  // It is blocked, and a timer or a task that may go on could end that.
  bool MayGoOn(const Task& task) const { return Live().MayGoOn(task); }
  // The same, and who could end it is known to have served it, or is a task of its own.
  bool Served(const Task& task) const { return Live().Served(task); }
  // It has left the work that is looked at, and looks for what is left of that.
  bool LooksOn(const Task& task) const { return Live().LooksOn(task); }
  // The functions that timers have yet to start in the task's world: of a TimerFunc, where that was
  // set, or of an AfterFunc, where its context was made. 0: none, or not known where.
  struct FunctionsDue {
    SiteId timer = 0, context = 0;
    bool any() const { return timer != 0 || context != 0; }
  };
  const FunctionsDue& FunctionsDueIn(Id world) const;
  bool Deadlocked(const Task& task) const;
  // Its leak scope is over: whatever is still there is late.
  bool ScopeEnded(const Task& task) const;
  // The same, and nothing else that was spawned in it goes on.
  bool ScopeStill(const Task& task) const;
  // Main has returned, and all tasks that could still go on are daemons: what else could come to a
  // task would come from a thread that is none, and too late.
  bool ProgramOver() const {
    return snap_.reason == "exit" && NothingMissing() && !Live().AtWork();
  }
  bool InFocus(const Task& task) const;
  // Its test wants it to stay.
  bool Expected(const Task& task) const;
  bool Blocked(const Task& task) const { return task.state == TaskState::kBlocked; }
  // Nanoseconds since it blocked.
  std::int64_t Age(const Task& task) const;
  AgeRange Ages(const Task& task) const;  // of all that it stands for
  // Old enough to be called stuck: at once where nothing moves any more, else after min_age.
  bool Settled(const Task& task, std::int64_t since_ns) const;

  // The context whose end should have ended the task, or nullptr.
  const Context* EndedContext(const Task& task) const;
  // False only for contexts that never end, such as Background().
  bool CanEnd(Id context) const;
  const LockChain& Chain(const Task& task) const {
    static const LockChain none;
    return chains_.empty() ? none : chains_[snap_.tasks.PositionOf(task)];
  }
  // Whoever a task that waits for a lock waits for; nullptr if unknown.
  const Task* HolderFor(const Task& task) const;
  // The locks a task holds (ids), as far as they are in the dump.
  const std::vector<const Sync*>& LocksHeldBy(const Task& task) const;
  // Where it took one of them, for writing or for reading; 0 if that is not known.
  SiteId HeldAt(const Task& task, const Sync& lock) const;
  // Those who hold a lock for reading, with where they took it.
  struct ReadHold {
    const Task* task;
    SiteId site;
  };
  const std::vector<ReadHold>& ReadersOf(Id sync) const;
  const WaitCase* FirstCase(const Task& task) const;
  const Channel* ChannelOf(const Task& task) const;
  // Of the channels made at a place. Sites and ancestry are indexed for all groups at once.
  const std::vector<const Channel*>& ChannelsMadeAt(SiteId site) const;
  // With which event the history of all tasks of a controlled world begins: the newest start of its
  // main task. Order holds within one ring, so other worlds have none.
  std::optional<std::size_t> HistoryStart() const;
  // Sends that went through, as far as the history of a trace goes back.
  const RecordedSends& SendsRecorded() const;
  // How many tasks were started there, those that have finished among them as far as known.
  std::size_t StartedAt(SiteId spawn) const;
  // The tasks, by position, that the Go() of this WaitGroup or ErrGroup started: it counts them.
  std::span<const std::uint32_t> MembersOf(Id group) const;
  // The same, if it counts nobody else.
  bool CountsMembersOnly(const Sync& group) const;
  // Who waits for whose end.
  const WaitCycles& Cycles() const;
  // A blocked task that `parent` spawned; one other than `except`, or nullptr.
  const Task* BlockedChildOf(Id parent, Id except) const;

 private:
  struct WorldFacts {
    bool quiet = false;    // as for Quiet()
    bool settled = false;  // idle but for the task that asked for the dump, or for timers at exit
  };
  void IndexLocks();
  void FollowChains();
  // Made when it is first asked for, with what it says of the worlds: lists of tasks do without.
  const Liveness& Live() const;
  void JudgeWorlds() const;
  const Scope* EndedScope(const Task& task) const;
  // Every task of the world is in the dump.
  bool NothingMissing() const;

  const Dump& dump_;
  const Snapshot& snap_;
  const AnalysisOptions options_;
  std::vector<LockChain> chains_;            // empty if nobody waits for a lock
  std::vector<std::uint32_t> lock_waiters_;  // positions
  // By position: the context whose end reaches this one, the scope that ended at or above, the one
  // whose rest is expected, the one that is looked at.
  std::vector<const Context*> cancellers_;
  std::vector<const Scope*> ended_scopes_, expected_scopes_, focus_;
  absl::flat_hash_map<Id, const Task*> readers_;  // by lock: one who reads
  absl::flat_hash_map<Id, std::vector<ReadHold>> read_holds_;
  absl::flat_hash_map<Id, const Task*> writers_;            // by lock: who waits to write
  absl::flat_hash_map<Id, std::vector<const Sync*>> held_;  // by task
  mutable std::unique_ptr<const Liveness> liveness_;
  mutable std::vector<WorldFacts> worlds_;  // with liveness_
  // Made when they are first asked for: few rules need them.
  mutable bool channels_indexed_ = false, children_indexed_ = false, history_sought_ = false;
  mutable bool members_indexed_ = false, functions_sought_ = false, starts_indexed_ = false;
  mutable absl::flat_hash_map<Id, FunctionsDue> functions_due_;  // by world
  mutable std::vector<Id> member_groups_;                        // sorted, beside the next
  mutable std::vector<std::uint32_t> members_;                   // positions
  mutable std::optional<WaitCycles> cycles_;
  mutable std::optional<std::size_t> history_start_;
  mutable std::optional<RecordedSends> sends_;
  mutable absl::flat_hash_map<SiteId, std::vector<const Channel*>> channels_at_;
  mutable absl::flat_hash_map<SiteId, std::size_t> started_at_;
  mutable absl::flat_hash_map<Id, std::array<const Task*, 2>> blocked_children_;
};

bool IsLockWait(WaitKind kind);

// Operations of that side went through, and nobody was noted as who did them: record=off.
bool NotNoted(const Channel& channel, bool senders);

}  // namespace stranded::detector

#endif  // STRANDED_DETECTOR_RULES_SITUATION_H_
