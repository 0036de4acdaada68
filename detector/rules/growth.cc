// Many tasks blocked at one place of a program that still runs: not proven to be stuck, but piling
// up.
#include <algorithm>
#include <compare>
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
  std::int64_t oldest_ns = 0;
};

}  // namespace

void FindGrowth(const Situation& s, std::vector<FindingData>& out) {
  absl::flat_hash_map<PileKey, Pile> piles;
  for (const Task& task : s.snap().tasks.all()) {
    if (!s.Blocked(task) || task.daemon || !s.InFocus(task)) continue;
    const SpawnNode* spawn = s.snap().spawns.Find(task.spawn);
    Pile& pile = piles[{task.wait_site, spawn == nullptr ? 0 : spawn->site, task.wait}];
    if (pile.task == nullptr) pile.task = &task;
    ++pile.tasks;
    pile.oldest_ns = std::max(pile.oldest_ns, s.Age(task));
  }
  std::vector<std::pair<PileKey, Pile>> large;
  for (const auto& entry : piles) {
    if (entry.second.tasks >= s.options().growth_threshold) large.emplace_back(entry);
  }
  std::sort(large.begin(), large.end(),
            [](const auto& a, const auto& b) { return a.first < b.first; });
  std::set<std::pair<std::string, std::uint32_t>> told;  // by a rule that knows the cause, or here
  if (!large.empty()) {
    for (const FindingData& known : out) told.emplace(known.wait_site.file, known.wait_site.line);
  }
  for (const auto& [key, pile] : large) {
    const SourceSite site = SiteText(s, pile.task->wait_site);
    if (!told.emplace(site.file, site.line).second) continue;
    FindingData data;
    data.rule = kGrowthText.id;
    data.verdict = "predicted";
    data.wait = "growth";
    data.wait_site = site;
    if (const SpawnNode* spawn = s.snap().spawns.Find(pile.task->spawn)) {
      data.spawn_site = SiteText(s, spawn->site);
    }
    data.task_count = pile.tasks;
    data.tasks = {pile.task->id};
    data.task_name = std::string(pile.task->name);
    data.max_age_ns = pile.oldest_ns;
    data.title = absl::StrCat(pile.tasks, " tasks are blocked at one place, ",
                              WaitText(s.snap(), *pile.task));
    data.notes.push_back(
        absl::StrCat("None of them is known to be stuck; ", s.options().growth_threshold,
                     " or more at one place count as a pile. Compare with a dump taken later."));
    data.fixes.push_back(SimpleFix(
        FixKind::kStopTask, data.spawn_site,
        absl::StrCat("Bound how many tasks are started at ", data.spawn_site.ToString(),
                     ", with a Semaphore or ErrGroup::SetLimit, and give each wait a context with "
                     "a deadline."),
        "Load that is not taken on does not pile up."));
    out.push_back(std::move(data));
  }
}

const RuleText kGrowthText = {
    "growth", "very many tasks are blocked at one place",
    "Tasks started at one place are blocked at one place in numbers (1000, or --growth N). They "
    "may "
    "all go on in the end; more often whatever they wait for has become too slow, and they take "
    "memory and sockets along.\n"
    "\n"
    "Fix: bound the number of tasks, and give each wait a deadline."};

}  // namespace stranded::detector
