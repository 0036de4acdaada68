#include <algorithm>
#include <tuple>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "detector/fixes/fixes.h"
#include "detector/rules/climb.h"
#include "detector/rules/rule.h"
#include "detector/rules/world_rules.h"

namespace stranded::detector {
namespace {

struct Kept {
  const Context* context = nullptr;
  std::size_t contexts = 0, tasks = 0, timers = 0, children = 0;
  Id task = 0;
};

}  // namespace

void FindLostCancels(const Situation& s, std::vector<FindingData>& out) {
  const Snapshot& snap = s.snap();
  absl::flat_hash_set<Id> lost;  // contexts whose cancel function is gone
  absl::flat_hash_map<SiteId, Kept> by_site;
  for (const Context& c : snap.contexts.all()) {
    if (!c.cancel_lost || c.cancel_called || c.err != ContextErr::kNone) continue;
    if (c.created_ns < s.options().contexts_since_ns) continue;
    lost.insert(c.id);
    Kept& kept = by_site[c.site];
    if (kept.context == nullptr) kept.context = &c;
    ++kept.contexts;
    kept.timers += c.timer_pending;
    kept.children += c.live_children;
  }
  if (lost.empty()) return;
  const auto keeper = NearestAbove(snap.contexts, [&](const Context& c) {
    if (lost.contains(c.id)) return Climb::kFound;
    return c.kind == ContextKind::kWithoutCancel ? Climb::kNothing : Climb::kUp;
  });
  for (const Task& task : snap.tasks.all()) {
    if (task.state == TaskState::kFinished || task.daemon) continue;
    const Context* c = NearestOf(snap.contexts, keeper, task.context);
    if (c == nullptr) continue;
    Kept& kept = by_site[c->site];
    kept.tasks += snap.CountOf(task);
    if (kept.task == 0 || task.id < kept.task) kept.task = task.id;
  }
  // In the order of their places: the same dump gives the same report.
  std::vector<std::pair<SiteId, Kept>> sorted(by_site.begin(), by_site.end());
  std::sort(sorted.begin(), sorted.end(), [&](const auto& a, const auto& b) {
    const Site &x = s.dump().SiteOf(a.first), &y = s.dump().SiteOf(b.first);
    return std::tie(x.file, x.line, a.first) < std::tie(y.file, y.line, b.first);
  });
  for (const auto& [site, kept] : sorted) {
    if (kept.tasks + kept.timers + kept.children == 0) continue;  // keeps nothing alive
    FindingData data;
    data.rule = kLostCancelText.id;
    data.verdict = kept.context->deadline_ns == 0 ? "proven" : "outlived";
    data.wait = "lost cancel";
    data.context_site = SiteText(s, site);
    data.wait_site = data.context_site;
    data.task_count = kept.tasks;
    data.title =
        absl::StrCat(kept.contexts == 1 ? "a context" : absl::StrCat(kept.contexts, " contexts"),
                     " made at ", data.context_site.ToString(),
                     " can no longer be cancelled: the cancel function was dropped "
                     "without a call");
    data.notes.push_back(
        absl::StrCat("Kept alive by this: ", kept.tasks, kept.tasks == 1 ? " task" : " tasks",
                     kept.task == 0 ? "" : absl::StrCat(" (such as ", TaskText(s, kept.task), ")"),
                     ", ", kept.timers, kept.timers == 1 ? " timer, " : " timers, ", kept.children,
                     kept.children == 1 ? " child context." : " child contexts."));
    data.fixes.push_back(SimpleFix(
        FixKind::kCallCancel, data.context_site,
        absl::StrCat("Keep the cancel function made at ", data.context_site.ToString(),
                     " and call it when the work is done, for example with absl::MakeCleanup."),
        kept.timers == 0 ? "The end of the context then reaches everything below it."
                         : "The end of the context then reaches everything below it, and timers "
                           "are given back."));
    out.push_back(std::move(data));
  }
}

const RuleText kLostCancelText = {"lost-cancel",
                                  "the last copy of a cancel function was dropped without a call",
                                  "WithCancel, WithTimeout and WithDeadline return a cancel "
                                  "function that must be called, even when "
                                  "the work succeeded: until then the context, its timer and all "
                                  "below it stay. Here the last copy of "
                                  "that function is gone, so nobody can call it any more.\n"
                                  "\n"
                                  "Fix: `auto [ctx, cancel] = WithTimeout(...); auto end = "
                                  "absl::MakeCleanup([&] { cancel(); });`"};

}  // namespace stranded::detector
