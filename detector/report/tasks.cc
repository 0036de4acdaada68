// One line for each task.
#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "detector/rules/rule.h"
#include "stranded/report.h"

namespace stranded {

using namespace detector;  // NOLINT(build/namespaces)

namespace {

const char* StateText(TaskState state) {
  switch (state) {
    case TaskState::kRunnable: return "runnable";
    case TaskState::kRunning: return "running";
    case TaskState::kBlocked: return "blocked";
    case TaskState::kSleeping: return "sleeping";
    case TaskState::kSyscall: return "syscall";
    case TaskState::kFinished: return "finished";
    case TaskState::kUnknown: break;
  }
  return "unknown";
}

bool Matches(const Situation& s, const Task& t, const TaskFilter& filter) {
  if (t.state == TaskState::kFinished) return filter.state == "finished";
  if (!filter.state.empty() && filter.state != StateText(t.state)) return false;
  if (filter.site.empty()) return true;
  const SpawnNode* spawn = s.snap().spawns.Find(t.spawn);
  return Place(s, t.wait_site).find(filter.site) != std::string::npos ||
         (spawn != nullptr && Place(s, spawn->site).find(filter.site) != std::string::npos);
}

void Sort(const Situation& s, const std::string& by, std::vector<const Task*>& tasks) {
  std::stable_sort(tasks.begin(), tasks.end(), [&](const Task* a, const Task* b) {
    if (by == "age") return s.Age(*a) > s.Age(*b);
    if (by == "state") return a->state < b->state;
    if (by == "name") return a->name < b->name;
    return a->id < b->id;
  });
}

}  // namespace

std::string TaskTable(const Analysis& analysis, const TaskFilter& filter) {
  if (analysis.dump == nullptr || analysis.dump->snapshots.empty()) return "no snapshot\n";
  const AnalysisOptions options;
  const Situation s(*analysis.dump, analysis.dump->snapshots.back(), options);
  std::vector<const Task*> tasks;
  for (const Task& t : s.snap().tasks.all()) {
    if (Matches(s, t, filter)) tasks.push_back(&t);
  }
  Sort(s, filter.sort, tasks);
  std::string out = absl::StrFormat("%6s %-9s %10s  %-16s %-28s %s\n", "ID", "STATE", "FOR", "NAME",
                                    "WAITS", "AT");
  for (const Task* t : tasks) {
    const SiteId site = t->wait_site != 0 ? t->wait_site : t->last_site;
    absl::StrAppendFormat(&out, "%6d %-9s %10s  %-16s %-28s %s%s\n", t->id, StateText(t->state),
                          t->since_ns == 0 ? "" : Span(s.Age(*t)), std::string(t->name),
                          t->wait == WaitKind::kNone ? "" : WaitText(t->wait),
                          site == 0 ? "" : Place(s, site), t->daemon ? "  (daemon)" : "");
  }
  return out;
}

}  // namespace stranded
