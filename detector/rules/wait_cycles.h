// Tasks that wait for each other's end: joins, and wait groups of which it is known whom they
// count.
//
// Overview: a search in depth through the waits. A wait group is a node of its own, so that many
// waiters and many members cost their sum. Thread safety: made once, then only read. Invariants:
// each task of a cycle knows the next one of it; a task that only waits for a cycle is in none.
// Ownership: points into the snapshot.
#ifndef STRANDED_DETECTOR_RULES_WAIT_CYCLES_H_
#define STRANDED_DETECTOR_RULES_WAIT_CYCLES_H_

#include "absl/container/flat_hash_map.h"
#include "detector/model/snapshot.h"

namespace stranded::detector {

class Situation;

struct CycleLink {
  const Task* next = nullptr;  // whose end it waits for; the task itself: it waits for itself
  const Task* root = nullptr;  // the member with the smallest id
  bool only_joins = true;      // of the whole cycle
};

class WaitCycles {
 public:
  explicit WaitCycles(const Situation& s);
  // nullptr: it is in no cycle.
  const CycleLink* Of(const Task& task) const;

 private:
  class Search;
  absl::flat_hash_map<const Task*, CycleLink> links_;
};

}  // namespace stranded::detector

#endif  // STRANDED_DETECTOR_RULES_WAIT_CYCLES_H_
