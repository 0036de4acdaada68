// Many tasks blocked at one place of a program that still runs: not proven to be stuck, but piling
// up.
#include <algorithm>
#include <compare>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "detector/fixes/fixes.h"
#include "detector/rules/rule.h"
#include "detector/rules/world_rules.h"

namespace stranded::detector {
namespace {

// Tasks that wait at one place, spawned at one place.
struct PileKey {
  SiteId wait_site = 0, spawn_site = 0;
  WaitKind wait = WaitKind::kNone;
  auto operator<=>(const PileKey&) const = default;
  template <class H>
  friend H AbslHashValue(H h, const PileKey& k) {
    return H::combine(std::move(h), k.wait_site, k.spawn_site, k.wait);
  }
};

struct Pile {
  const Task* task = nullptr;
  std::size_t tasks = 0;
  std::int64_t youngest_ns = INT64_MAX, oldest_ns = 0;
};

// All that wait there, if those of one spawn are a pile.
struct Crowd {
  Pile all, largest;
  std::size_t spawn_places = 0;
};

using Piles = absl::flat_hash_map<PileKey, Pile>;
using Crowds = std::map<std::pair<SiteId, WaitKind>, Crowd>;

Piles PilesOf(const Situation& s) {
  Piles piles;
  for (const Task& task : s.snap().tasks.all()) {
    if (!s.Blocked(task) || task.daemon || !s.InFocus(task) || s.Expected(task)) continue;
    const SpawnNode* spawn = s.snap().spawns.Find(task.spawn);
    Pile& pile = piles[{task.wait_site, spawn == nullptr ? 0 : spawn->site, task.wait}];
    if (pile.task == nullptr || task.id < pile.task->id) pile.task = &task;
    pile.tasks += s.snap().CountOf(task);
    const AgeRange age = s.Ages(task);
    pile.youngest_ns = std::min(pile.youngest_ns, age.least_ns);
    pile.oldest_ns = std::max(pile.oldest_ns, age.most_ns);
  }
  return piles;
}

void Add(const Pile& pile, Crowd& crowd) {
  if (crowd.largest.tasks < pile.tasks) crowd.largest = pile;
  crowd.all.tasks += pile.tasks;
  crowd.all.youngest_ns = std::min(crowd.all.youngest_ns, pile.youngest_ns);
  crowd.all.oldest_ns = std::max(crowd.all.oldest_ns, pile.oldest_ns);
  ++crowd.spawn_places;
}

Crowds CrowdsOf(const Situation& s) {
  const Piles piles = PilesOf(s);
  Crowds crowds;
  for (const auto& [key, pile] : piles) {
    if (pile.tasks >= s.options().growth_threshold) crowds[{key.wait_site, key.wait}];
  }
  // In the order of their keys: of two that are as large, always the same one is named.
  std::vector<std::pair<PileKey, Pile>> there;
  for (const auto& entry : piles) {
    if (crowds.contains({entry.first.wait_site, entry.first.wait})) there.push_back(entry);
  }
  std::sort(there.begin(), there.end(),
            [](const auto& a, const auto& b) { return a.first < b.first; });
  for (const auto& [key, pile] : there) Add(pile, crowds[{key.wait_site, key.wait}]);
  return crowds;
}

FindingData Describe(const Situation& s, const Crowd& crowd) {
  const Task& task = *crowd.largest.task;
  FindingData data;
  data.rule = kGrowthText.id;
  data.verdict = "predicted";
  data.wait = "growth";
  data.wait_site = SiteText(s, task.wait_site);
  if (const SpawnNode* spawn = s.snap().spawns.Find(task.spawn)) {
    data.spawn_site = SiteText(s, spawn->site);
  }
  data.task_count = crowd.all.tasks;
  data.tasks = {task.id};
  data.task_name = std::string(task.name);
  data.min_age_ns = crowd.all.youngest_ns;
  data.max_age_ns = crowd.all.oldest_ns;
  data.title =
      absl::StrCat(crowd.all.tasks, " tasks are blocked at one place, ", WaitText(s.snap(), task));
  data.notes.push_back(
      absl::StrCat("None of them is known to be stuck; ", s.options().growth_threshold,
                   " or more at one place count as a pile. Compare with a dump taken later."));
  if (crowd.spawn_places > 1) {
    data.notes.push_back(absl::StrCat("They were spawned at ", crowd.spawn_places,
                                      " places, the most (", crowd.largest.tasks, ") at ",
                                      data.spawn_site.ToString(), "."));
  }
  data.fixes.push_back(SimpleFix(
      FixKind::kStopTask, data.spawn_site,
      absl::StrCat("Bound how many tasks are started at ", data.spawn_site.ToString(),
                   ", with a Semaphore or ErrGroup::SetLimit, and give each wait a context with "
                   "a deadline."),
      "Load that is not taken on does not pile up."));
  return data;
}

}  // namespace

void FindGrowth(const Situation& s, std::vector<FindingData>& out) {
  const Crowds crowds = CrowdsOf(s);
  if (crowds.empty()) return;
  std::set<std::pair<std::string, std::uint32_t>> told;  // by a rule that knows the cause, or here
  for (const FindingData& known : out) told.emplace(known.wait_site.file, known.wait_site.line);
  for (const auto& [place, crowd] : crowds) {
    FindingData data = Describe(s, crowd);
    if (told.emplace(data.wait_site.file, data.wait_site.line).second) {
      out.push_back(std::move(data));
    }
  }
}

const RuleText kGrowthText = {
    "growth", "very many tasks are blocked at one place",
    "Tasks started at one place are blocked at one place in numbers: 1000, or --growth N. They may "
    "all go on in the end; more often whatever they wait for has become too slow, and they take "
    "memory and sockets along. The finding counts all that are blocked there, wherever they were "
    "started.\n"
    "\n"
    "Fix: bound the number of tasks, and give each wait a deadline."};

}  // namespace stranded::detector
