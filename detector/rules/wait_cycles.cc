#include "detector/rules/wait_cycles.h"

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include "detector/rules/situation.h"

namespace stranded::detector {

class WaitCycles::Search {
 public:
  Search(const Situation& s, absl::flat_hash_map<const Task*, CycleLink>& links)
      : s_(s), links_(links) {}

  void From(const Task& start) {
    Follow({&start, 0});
    while (!path_.empty()) {
      Node next;
      if (Next(path_.back(), &next)) {
        Follow(next);
      } else {
        mark_[path_.back().node] = kDone;
        path_.pop_back();
      }
    }
  }
  static bool Waits(const Situation& s, const Task& task) {
    return s.Blocked(task) &&
           (task.wait == WaitKind::kJoin || task.wait == WaitKind::kWaitGroupWait);
  }

 private:
  static constexpr std::size_t kDone = ~std::size_t{0};
  // A task, or a wait group.
  struct Node {
    const Task* task = nullptr;
    Id group = 0;
    bool operator==(const Node&) const = default;
    template <class H>
    friend H AbslHashValue(H h, const Node& n) {
      return H::combine(std::move(h), n.task, n.group);
    }
  };
  struct Step {
    Node node;
    std::size_t tried = 0;
  };

  // What the node at the end of the path waits for, one after the other; false: no more.
  bool Next(Step& step, Node* next) const {
    const Task* const task = step.node.task;
    if (task == nullptr) {
      const auto members = s_.MembersOf(step.node.group);
      while (step.tried < members.size()) {
        next->task = &s_.snap().tasks.all()[members[step.tried++]];
        if (Waits(s_, *next->task)) return true;
      }
      return false;
    }
    if (step.tried++ > 0) return false;
    if (task->wait == WaitKind::kWaitGroupWait) {
      next->group = task->sync;
      return true;
    }
    next->task = s_.snap().tasks.Find(task->join_task);
    return next->task != nullptr && Waits(s_, *next->task);
  }
  void Follow(const Node& node) {
    const auto [it, fresh] = mark_.try_emplace(node, path_.size());
    if (fresh) {
      path_.push_back({node, 0});
    } else if (it->second != kDone) {
      Close(it->second);
    }
  }
  // The tasks from the node at `first` to the end of the path, each waiting for the next one. Those
  // of a cycle found before stay in that: so each task is linked once.
  void Close(std::size_t first) {
    std::vector<const Task*> cycle;
    const CycleLink* known = nullptr;
    for (std::size_t i = path_.size(); i > first && known == nullptr; --i) {
      const Task* const task = path_[i - 1].node.task;
      if (task == nullptr) continue;
      cycle.push_back(task);
      if (const auto it = links_.find(task); it != links_.end()) known = &it->second;
    }
    CycleLink link;
    link.root = *std::min_element(cycle.begin(), cycle.end(),
                                  [](const Task* a, const Task* b) { return a->id < b->id; });
    link.only_joins = std::all_of(cycle.begin(), cycle.end(),
                                  [](const Task* task) { return task->wait == WaitKind::kJoin; });
    if (known != nullptr) {
      link.root = known->root;
      link.only_joins = link.only_joins && known->only_joins;
    }
    std::size_t entry = first;  // a group stands between two tasks
    while (path_[entry].node.task == nullptr) ++entry;
    for (std::size_t i = 0; i < cycle.size(); ++i) {  // the last one comes first
      link.next = i == 0 ? path_[entry].node.task : cycle[i - 1];
      links_.try_emplace(cycle[i], link);
    }
  }

  const Situation& s_;
  absl::flat_hash_map<const Task*, CycleLink>& links_;
  absl::flat_hash_map<Node, std::size_t> mark_;  // place on the path, or kDone
  std::vector<Step> path_;
};

WaitCycles::WaitCycles(const Situation& s) {
  Search search(s, links_);
  std::vector<const Task*> waiting;
  for (const Task& task : s.snap().tasks.all()) {
    if (Search::Waits(s, task)) waiting.push_back(&task);
  }
  // Of circles that share tasks the first one is named: not by where a record lay.
  std::sort(waiting.begin(), waiting.end(),
            [](const Task* a, const Task* b) { return a->id < b->id; });
  for (const Task* task : waiting) search.From(*task);
}

const CycleLink* WaitCycles::Of(const Task& task) const {
  const auto it = links_.find(&task);
  return it == links_.end() ? nullptr : &it->second;
}

}  // namespace stranded::detector
