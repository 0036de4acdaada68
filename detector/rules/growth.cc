// Many tasks blocked at one place of a program that still runs: not proven to be stuck, but piling
// up.
#include <map>
#include <tuple>

#include "absl/strings/str_cat.h"
#include "detector/fixes/fixes.h"
#include "detector/rules/rule.h"
#include "detector/rules/world_rules.h"

namespace stranded::detector {
namespace {

struct Pile {
  const Task* task = nullptr;
  std::size_t tasks = 0;
  std::int64_t oldest_ns = 0;
};

}  // namespace

void FindGrowth(const Situation& s, std::vector<FindingData>& out) {
  std::map<std::tuple<SiteId, SiteId, int>, Pile> piles;
  for (const Task& task : s.snap().tasks.all()) {
    if (!s.Blocked(task) || task.daemon || !s.InFocus(task)) continue;
    const SpawnNode* spawn = s.snap().spawns.Find(task.spawn);
    Pile& pile =
        piles[{task.wait_site, spawn == nullptr ? 0 : spawn->site, static_cast<int>(task.wait)}];
    if (pile.task == nullptr) pile.task = &task;
    ++pile.tasks;
    pile.oldest_ns = std::max(pile.oldest_ns, s.Age(task));
  }
  for (const auto& [key, pile] : piles) {
    if (pile.tasks < s.options().growth_threshold) continue;
    bool told = false;  // by a rule that knows the cause
    const SourceSite site = SiteText(s, pile.task->wait_site);
    for (const FindingData& known : out) {
      told |= known.wait_site.line == site.line && known.wait_site.file == site.file;
    }
    if (told) continue;
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
    data.title =
        absl::StrCat(pile.tasks, " tasks are blocked at one place, ", WaitText(pile.task->wait));
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
