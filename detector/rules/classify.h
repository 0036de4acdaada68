// Which rule applies to each task, and which tasks have one cause.
//
// Overview: one pass over the tasks. What a report needs of all tasks of a group (ages, names,
// channels) is gathered on the way, while the task is at hand: later only exemplars are looked at.
// Thread safety: one thread. Cost: linear, but for sorting the tasks of each group by id.
#ifndef STRANDED_DETECTOR_RULES_CLASSIFY_H_
#define STRANDED_DETECTOR_RULES_CLASSIFY_H_

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "detector/rules/rule.h"

namespace stranded::detector {

// Sites rather than strings: cheap for a million tasks.
struct GroupKey {
  std::size_t rule = 0;  // in TaskRules()
  MatchKey match;
  WaitKind wait = WaitKind::kNone;
  SiteId wait_site = 0, spawn_site = 0, channel_site = 0;
  bool operator==(const GroupKey&) const = default;
  template <class H>
  friend H AbslHashValue(H h, const GroupKey& k) {
    return H::combine(std::move(h), k.rule, k.match.root, k.match.context, k.match.ended_site,
                      k.match.variant, k.wait, k.wait_site, k.spawn_site, k.channel_site);
  }
};

struct FoundGroup {
  GroupKey key;
  Group group;
  bool one_name = true;
  std::int64_t min_age_ns = 0, max_age_ns = 0;
  const Task* with_stack = nullptr;  // the first one whose stack is known
  std::vector<Id> channels;          // sorted, each once
  std::size_t channels_merged = 0;   // that those stand for
};

class Classifier {
 public:
  explicit Classifier(const Situation& s) : s_(s) {}
  // All tasks of the snapshot.
  void Run();
  // In the order of the rules.
  const std::vector<FoundGroup>& groups() const { return groups_; }
  std::size_t look_again() const { return look_again_; }
  // Tasks that a test wants to stay; they are in no group.
  std::size_t expected() const { return expected_; }

 private:
  bool Reportable(const Task& task) const;
  void Classify(const Task& task);
  void AddTo(std::size_t rule, const Match& match, const Task& task);
  bool Ignored(const Task& task);
  bool IgnoredSite(SiteId site);
  void PutRootFirst(FoundGroup& found) const;
  void Sort();

  const Situation& s_;
  std::vector<FoundGroup> groups_;
  absl::flat_hash_map<GroupKey, std::size_t> index_;
  absl::flat_hash_map<SiteId, bool> ignored_sites_;
  std::size_t look_again_ = 0, expected_ = 0;
};

}  // namespace stranded::detector

#endif  // STRANDED_DETECTOR_RULES_CLASSIFY_H_
