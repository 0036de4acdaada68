// One line for each task.
#include <algorithm>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "detector/report/text_table.h"
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

// What columns and filters ask about tasks.
class View {
 public:
  View(const Analysis& analysis, const Situation& s) : s_(s) {
    for (const Finding& f : analysis.findings) {
      for (const std::uint64_t id : f.data().tasks) Note(id, f.rule());
    }
  }

  const Situation& s() const { return s_; }
  bool HasRules() const { return !rules_.empty(); }
  bool InFinding(const Task& t) const { return rules_.contains(t.id); }
  std::string Rule(const Task& t) const {
    const auto it = rules_.find(t.id);
    return it == rules_.end() ? "" : std::string(it->second);
  }
  std::string Spawned(const Task& t) const {
    const SpawnNode* node = s_.snap().spawns.Find(t.spawn);
    return node == nullptr || node->site == 0 ? "" : Place(s_, node->site);
  }
  Id Parent(const Task& t) const {
    const SpawnNode* node = s_.snap().spawns.Find(t.spawn);
    node = node == nullptr ? nullptr : s_.snap().spawns.Find(node->parent);
    return node == nullptr ? 0 : node->task;
  }
  std::string At(const Task& t) const {
    const SiteId site = t.wait_site != 0 ? t.wait_site : t.last_site;
    return absl::StrCat(site == 0 ? "" : Place(s_, site), t.daemon ? "  (daemon)" : "");
  }
  std::string Waits(const Task& t) const {
    if (t.wait == WaitKind::kNone) return "";
    const Channel* channel = t.case_count == 1 ? s_.ChannelOf(t) : nullptr;
    if (channel == nullptr) return WaitText(t.wait);
    return absl::StrReplaceAll(WaitText(t.wait),
                               {{"a channel", absl::StrCat("channel ", channel->id)}});
  }
  bool WaitsFor(const Task& t, Id channel) const {
    const WaitCase* cases = s_.snap().cases.data() + t.first_case;
    return std::any_of(cases, cases + t.case_count,
                       [&](const WaitCase& c) { return c.channel == channel; });
  }
  bool Below(Id context, Id ancestor) {
    // Chains in a damaged dump may be cycles.
    for (int steps = 0; context != 0 && steps < 10000; ++steps) {
      if (context == ancestor) return true;
      const Context* c = s_.snap().contexts.Find(context);
      context = c == nullptr ? 0 : c->parent;
    }
    return false;
  }

 private:
  void Note(Id task, std::string_view rule) {
    const auto [it, fresh] = rules_.try_emplace(task, rule);
    // A rule of its own says more than one about many.
    if (!fresh && (it->second == "global-deadlock" || it->second == "growth")) it->second = rule;
  }

  const Situation& s_;
  absl::flat_hash_map<Id, std::string_view> rules_;
};

struct Column {
  const char* name;
  const char* head;
  bool right;  // numbers
  std::string (*text)(const View& view, const Task& task);
  bool (*before)(const View& view, const Task& a, const Task& b);  // nullptr: by text
};

std::string Number(std::uint64_t n) { return n == 0 ? "" : absl::StrCat(n); }

const Column kColumns[] = {
    {"id", "ID", true, [](const View&, const Task& t) { return absl::StrCat(t.id); },
     [](const View&, const Task& a, const Task& b) { return a.id < b.id; }},
    {"state", "STATE", false,
     [](const View&, const Task& t) { return std::string(StateText(t.state)); }, nullptr},
    {"age", "FOR", true,
     [](const View& v, const Task& t) {
       return t.since_ns == 0 ? std::string() : Span(v.s().Age(t));
     },
     [](const View& v, const Task& a, const Task& b) { return v.s().Age(a) > v.s().Age(b); }},
    {"rule", "RULE", false, [](const View& v, const Task& t) { return v.Rule(t); }, nullptr},
    {"name", "NAME", false, [](const View&, const Task& t) { return std::string(t.name); },
     nullptr},
    {"waits", "WAITS", false, [](const View& v, const Task& t) { return v.Waits(t); }, nullptr},
    {"site", "AT", false, [](const View& v, const Task& t) { return v.At(t); }, nullptr},
    {"spawned", "SPAWNED AT", false, [](const View& v, const Task& t) { return v.Spawned(t); },
     nullptr},
    {"parent", "PARENT", true, [](const View& v, const Task& t) { return Number(v.Parent(t)); },
     [](const View& v, const Task& a, const Task& b) { return v.Parent(a) < v.Parent(b); }},
    {"context", "CONTEXT", true, [](const View&, const Task& t) { return Number(t.context); },
     [](const View&, const Task& a, const Task& b) { return a.context < b.context; }},
};

const Column* ColumnOf(const std::string& name) {
  const auto* it = std::ranges::find_if(kColumns, [&](const Column& c) { return name == c.name; });
  return it == std::end(kColumns) ? nullptr : it;
}

bool Matches(View& view, const Task& t, const TaskFilter& filter) {
  if (t.state == TaskState::kFinished && filter.state != "finished") return false;
  if (!filter.state.empty() && filter.state != StateText(t.state)) return false;
  if (filter.in_findings && !view.InFinding(t)) return false;
  if (filter.min_age_ns > 0 && (t.since_ns == 0 || view.s().Age(t) < filter.min_age_ns)) {
    return false;
  }
  if (filter.channel != 0 && !view.WaitsFor(t, filter.channel)) return false;
  if (filter.context != 0 && !view.Below(t.context, filter.context)) return false;
  return filter.site.empty() || view.At(t).find(filter.site) != std::string::npos ||
         view.Spawned(t).find(filter.site) != std::string::npos;
}

void Sort(const View& view, const TaskFilter& filter, std::vector<const Task*>& tasks) {
  const Column* column = ColumnOf(filter.sort);
  if (column == nullptr) column = &kColumns[0];
  if (column->before != nullptr) {
    std::ranges::stable_sort(
        tasks, [&](const Task* a, const Task* b) { return column->before(view, *a, *b); });
  } else {
    std::vector<std::pair<std::string, const Task*>> keyed;
    keyed.reserve(tasks.size());
    for (const Task* t : tasks) keyed.emplace_back(column->text(view, *t), t);
    std::ranges::stable_sort(keyed, {}, [](const auto& pair) { return pair.first; });
    std::ranges::transform(keyed, tasks.begin(), [](const auto& pair) { return pair.second; });
  }
  if (filter.reverse) std::ranges::reverse(tasks);
}

}  // namespace

const std::vector<std::string>& TaskColumns() {
  static const auto& names = *new std::vector<std::string>([] {
    std::vector<std::string> all;
    for (const Column& c : kColumns) all.emplace_back(c.name);
    return all;
  }());
  return names;
}

std::string TaskTable(const Analysis& analysis, const TaskFilter& filter) {
  if (analysis.dump == nullptr || analysis.dump->snapshots.empty()) return "no snapshot\n";
  const AnalysisOptions options;
  const Situation s(*analysis.dump, analysis.dump->snapshots.back(), options);
  View view(analysis, s);
  std::vector<const Task*> tasks;
  for (const Task& t : s.snap().tasks.all()) {
    if (Matches(view, t, filter)) tasks.push_back(&t);
  }
  Sort(view, filter, tasks);
  std::vector<std::string> names = filter.columns;
  if (names.empty()) {
    names = {"id", "state", "age", "rule", "name", "waits", "site"};
    if (!view.HasRules()) std::erase(names, "rule");
  }
  TextTable table;
  for (const std::string& name : names) {
    const Column* column = ColumnOf(name);
    if (column == nullptr) continue;
    std::vector<std::string> cells;
    cells.reserve(tasks.size());
    for (const Task* t : tasks) cells.push_back(column->text(view, *t));
    table.AddColumn(column->head, column->right, std::move(cells));
  }
  return table.ToText(filter.width);
}

}  // namespace stranded
