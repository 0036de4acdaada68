// Which tasks may still go on?
//
// Overview: "movers" go on by themselves: they run, sleep, sit in the kernel, have a timer, or wait
// for something that is already there. Whoever waits for one of those that are known to have served
// him, may go on too, and so on. All others are left: whether they are stuck for good depends on
// whether anything in their world could still come to them. Thread safety: built once, then read
// only. Cost: linear in the snapshot.
#ifndef STRANDED_DETECTOR_RULES_LIVENESS_H_
#define STRANDED_DETECTOR_RULES_LIVENESS_H_

#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "detector/model/snapshot.h"

namespace stranded::detector {

class Situation;

class Liveness {
 public:
  // `s` must know its contexts and locks already.
  explicit Liveness(const Situation& s);

  bool MayGoOn(const Task& task) const { return may_go_on_[snap_.tasks.PositionOf(task)] != 0; }
  // The same, and whoever could end its wait is known for it: by having served it before, or as a
  // task of its own. Who only made its channel is not.
  bool Served(const Task& task) const { return served_[snap_.tasks.PositionOf(task)] != 0; }
  // It runs the check: nobody can count on it any more.
  bool LooksOn(const Task& task) const;
  // Something moves in the world.
  bool WorldMoves(Id world) const { return worlds_.contains(world); }
  // Something moves there, besides the task that asked for the snapshot.
  bool OthersMove(Id world) const { return busy_worlds_.contains(world); }
  // That one ends by a timer, its own or that of one above it.
  bool EndIsDue(Id context) const;
  // So does a task that was spawned in it and is no daemon: those never end, whatever they do.
  bool ScopeMoves(Id scope) const { return scopes_.contains(scope); }
  // The same of all worlds.
  bool AtWork() const { return at_work_; }

 private:
  bool Moves(const Task& task) const;
  bool CaseReady(const Task& task, const WaitCase& c) const;
  bool WaitIsOver(const Task& task) const;
  std::uint32_t OwnOffers(const Task& task, Id channel, CaseOp op) const;
  void NoteMover(const Task& task);
  void AddServers(const Task& task);
  void AddChannelServers(const Task& task, const WaitCase& c);
  void AddSyncServers(const Task& task);
  void FindEnds();
  enum class Tie : bool { kGuess, kKnown };
  void Wait(const Task& waiter, Id server, Tie tie = Tie::kKnown);
  void WaitForChild(const Task& waiter, Id ancestor);
  void Spread(const Task& task);
  void MarkAncestors(const Task& task);
  void Free(std::uint32_t waiter, Tie tie);

  const Situation& s_;
  const Snapshot& snap_;
  bool check_;    // the snapshot was taken by a leak check, at exit or in a dead end
  bool request_;  // it was asked for by a task that runs on afterwards
  bool at_work_ = false;
  std::vector<std::uint8_t> may_go_on_, served_, served_by_children_;  // by position
  std::vector<std::uint32_t> queue_;
  absl::flat_hash_set<Id> worlds_, busy_worlds_, scopes_, finished_scope_owners_;
  std::vector<std::uint8_t> ancestors_;                  // spawn nodes above tasks that may go on
  absl::flat_hash_set<Id> due_channels_, due_contexts_;  // with a pending timer
  std::vector<const Context*> ends_soon_;  // by context: at or above it, ended or about to
  // Who waits for whom: lists of edges, by the server's position.
  struct Edge {
    std::uint32_t waiter, next;
    Tie tie;
  };
  std::vector<Edge> edges_;
  std::vector<std::uint32_t> first_edge_;
  absl::flat_hash_map<Id, std::vector<std::uint32_t>> by_ancestor_;  // others than the waiter
  // Of wait groups of which it is known whom they count: who waits for them.
  absl::flat_hash_map<Id, std::vector<std::uint32_t>> by_group_;
};

}  // namespace stranded::detector

#endif  // STRANDED_DETECTOR_RULES_LIVENESS_H_
