// One line for each task.
#include <algorithm>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "detector/input/all_tasks.h"
#include "detector/report/text_table.h"
#include "detector/rules/climb.h"
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

// Texts by key, each worked out once.
template <class Key>
class Texts {
 public:
  template <class Make>
  const std::string& Get(const Key& key, Make&& make) {
    const auto [it, fresh] = texts_.try_emplace(key);
    if (fresh) it->second = std::make_unique<std::string>(make());
    return *it->second;
  }

 private:
  absl::flat_hash_map<Key, std::unique_ptr<std::string>> texts_;
};

// What columns and filters ask about tasks.
class View {
 public:
  View(const Analysis& analysis, const Situation& s) : s_(s) {
    for (const Finding& f : analysis.findings) {
      for (const std::uint64_t id : f.data().tasks) Note(id, f.data().rule);
    }
  }

  const Situation& s() const { return s_; }
  bool HasRules() const { return !rules_.empty(); }
  bool InFinding(const Task& t) const { return !Rule(t).empty(); }
  std::string_view Rule(const Task& t) const {
    return rules_.empty() ? std::string_view() : rules_[s_.snap().tasks.PositionOf(t)];
  }
  const std::string& Spawned(const Task& t) {
    const SpawnNode* node = s_.snap().spawns.Find(t.spawn);
    return At(node == nullptr ? 0 : node->site);
  }
  Id Parent(const Task& t) const {
    const SpawnNode* node = s_.snap().spawns.Find(t.spawn);
    node = node == nullptr ? nullptr : s_.snap().spawns.Find(node->parent);
    return node == nullptr ? 0 : node->task;
  }
  const std::string& At(const Task& t) { return At(t.wait_site != 0 ? t.wait_site : t.last_site); }
  bool Ignored(const Task& t, const std::vector<std::string>& ignore) {
    if (ignore.empty()) return false;
    const SpawnNode* node = s_.snap().spawns.Find(t.spawn);
    return SiteHas(t.wait_site != 0 ? t.wait_site : t.last_site, ignore) ||
           SiteHas(node == nullptr ? 0 : node->site, ignore);
  }
  // Of many tasks that came together the spans are alike.
  const std::string& Age(const Task& t) {
    const std::int64_t age = s_.Age(t);
    return ages_.Get(age - age % (age >= 1000000000 ? 1000000 : 1000), [&] { return Span(age); });
  }
  void Waits(const Task& t, std::string& out) {
    if (t.wait == WaitKind::kNone) return;
    const Sync* sync = s_.snap().syncs.Find(t.sync);
    if (sync != nullptr && sync->role == SyncRole::kErrGroup) {
      out += WaitText(s_.snap(), t);
      return;
    }
    const std::string& text = waits_.Get(t.wait, [&] { return WaitText(t.wait); });
    // Its id says it: the channel may have been left out of what was read.
    const Id channel = t.case_count == 1 ? s_.snap().cases[t.first_case].channel : 0;
    constexpr std::string_view kAny = "a channel";
    const std::size_t at = channel == 0 ? std::string::npos : text.find(kAny);
    if (at == std::string::npos) {
      out += text;
    } else {
      out.append(text, 0, at);
      absl::StrAppend(&out, "channel ", channel);
      out.append(text, at + kAny.size());
    }
  }
  bool WaitsFor(const Task& t, Id channel) const {
    const WaitCase* cases = s_.snap().cases.data() + t.first_case;
    return std::any_of(cases, cases + t.case_count,
                       [&](const WaitCase& c) { return c.channel == channel; });
  }
  bool Below(Id context, Id ancestor) {
    if (below_.empty()) {
      below_ = NearestAbove(s_.snap().contexts, [ancestor](const Context& c) {
        return c.id == ancestor ? Climb::kFound : Climb::kUp;
      });
    }
    return context == ancestor || NearestOf(s_.snap().contexts, below_, context) != nullptr;
  }

 private:
  const std::string& At(SiteId site) {
    return places_.Get(site, [&] { return site == 0 ? std::string() : Place(s_, site); });
  }
  bool SiteHas(SiteId id, const std::vector<std::string>& parts) {
    const auto [it, fresh] = has_.try_emplace(id, false);
    if (!fresh) return it->second;
    const SourceSite site = SiteText(s_, id);
    const std::string place = site.ToString();
    return it->second = std::ranges::any_of(parts, [&](const std::string& part) {
             return place.find(part) != std::string::npos ||
                    site.function.find(part) != std::string::npos;
           });
  }
  void Note(Id task, std::string_view rule) {
    const std::uint32_t at = s_.snap().tasks.PositionOfId(task);
    if (at == IdIndex::kNone) return;
    rules_.resize(s_.snap().tasks.size());
    std::string_view& known = rules_[at];
    // A rule of its own says more than one about many.
    if (known.empty() || known == "global-deadlock" || known == "growth") known = rule;
  }

  const Situation& s_;
  std::vector<std::string_view> rules_;  // by the task's position; empty if there are none
  std::vector<const Context*> below_;    // that of the filter, by the context's position
  Texts<SiteId> places_;
  absl::flat_hash_map<SiteId, bool> has_;  // one of the texts to ignore
  Texts<WaitKind> waits_;
  Texts<std::int64_t> ages_;
};

struct Column {
  const char* name;
  const char* head;
  bool right;  // numbers
  void (*text)(View& view, const Task& task, std::string& out);
  bool (*before)(const View& view, const Task& a, const Task& b);  // nullptr: by text
};

void Number(std::uint64_t n, std::string& out) {
  if (n != 0) absl::StrAppend(&out, n);
}

const Column kColumns[] = {
    {"id", "ID", true, [](View&, const Task& t, std::string& out) { absl::StrAppend(&out, t.id); },
     [](const View&, const Task& a, const Task& b) { return a.id < b.id; }},
    {"state", "STATE", false,
     [](View&, const Task& t, std::string& out) { out += StateText(t.state); }, nullptr},
    {"age", "FOR", true,
     [](View& v, const Task& t, std::string& out) {
       if (t.since_ns != 0) out += v.Age(t);
     },
     [](const View& v, const Task& a, const Task& b) { return v.s().Age(a) > v.s().Age(b); }},
    {"rule", "RULE", false, [](View& v, const Task& t, std::string& out) { out += v.Rule(t); },
     nullptr},
    {"name", "NAME", false, [](View&, const Task& t, std::string& out) { out += t.name; }, nullptr},
    {"waits", "WAITS", false, [](View& v, const Task& t, std::string& out) { v.Waits(t, out); },
     nullptr},
    {"site", "AT", false,
     [](View& v, const Task& t, std::string& out) {
       absl::StrAppend(&out, v.At(t), t.daemon ? "  (daemon)" : "");
     },
     nullptr},
    {"spawned", "SPAWNED AT", false,
     [](View& v, const Task& t, std::string& out) { out += v.Spawned(t); }, nullptr},
    {"parent", "PARENT", true,
     [](View& v, const Task& t, std::string& out) { Number(v.Parent(t), out); },
     [](const View& v, const Task& a, const Task& b) { return v.Parent(a) < v.Parent(b); }},
    {"context", "CONTEXT", true,
     [](View&, const Task& t, std::string& out) { Number(t.context, out); },
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
  if (view.Ignored(t, filter.ignore)) return false;
  if (filter.min_age_ns > 0 && (t.since_ns == 0 || view.s().Age(t) < filter.min_age_ns)) {
    return false;
  }
  if (filter.channel != 0 && !view.WaitsFor(t, filter.channel)) return false;
  if (filter.context != 0 && !view.Below(t.context, filter.context)) return false;
  return filter.site.empty() || view.At(t).find(filter.site) != std::string::npos ||
         view.Spawned(t).find(filter.site) != std::string::npos;
}

void Sort(View& view, const TaskFilter& filter, std::vector<const Task*>& tasks) {
  const Column* column = ColumnOf(filter.sort);
  if (column == nullptr) column = &kColumns[0];
  if (column->before != nullptr) {
    const auto before = [&](const Task* a, const Task* b) { return column->before(view, *a, *b); };
    if (!std::ranges::is_sorted(tasks, before)) std::ranges::stable_sort(tasks, before);
  } else {
    std::vector<std::pair<std::string, const Task*>> keyed;
    keyed.reserve(tasks.size());
    for (const Task* t : tasks) column->text(view, *t, keyed.emplace_back("", t).first);
    std::ranges::stable_sort(keyed, {}, [](const auto& pair) { return pair.first; });
    std::ranges::transform(keyed, tasks.begin(), [](const auto& pair) { return pair.second; });
  }
  if (filter.reverse) std::ranges::reverse(tasks);
}

const Snapshot* NewestOf(const std::shared_ptr<const Dump>& dump) {
  return dump == nullptr || dump->snapshots.empty() ? nullptr : &dump->snapshots.back();
}

// Whether has(snapshot), as it was read, or with those objects that the reader merged.
template <class Has>
bool HasObject(const Analysis& analysis, WithObjects objects, const Has& has) {
  const Snapshot* const s = NewestOf(analysis.dump);
  if (s == nullptr) return false;
  return has(*s) || has(*NewestOf(WithAllTasks(analysis.dump, objects)));
}

}  // namespace

bool HasContext(const Analysis& analysis, std::uint64_t id) {
  return HasObject(analysis, WithObjects::kContexts,
                   [id](const Snapshot& s) { return s.contexts.Find(id) != nullptr; });
}

bool HasChannel(const Analysis& analysis, std::uint64_t id) {
  return HasObject(analysis, WithObjects::kAll,
                   [id](const Snapshot& s) { return s.channels.Find(id) != nullptr; });
}

const std::vector<std::string>& TaskColumns() {
  static const auto& names = *new std::vector<std::string>([] {
    std::vector<std::string> all;
    for (const Column& c : kColumns) all.emplace_back(c.name);
    return all;
  }());
  return names;
}

void TaskTable(const Analysis& analysis, const TaskFilter& filter,
               absl::FunctionRef<void(std::string_view)> write) {
  if (NewestOf(analysis.dump) == nullptr) {
    write("no snapshot\n");
    return;
  }
  const AnalysisOptions options;
  // A context has others below it; else ids say enough.
  const auto dump = WithAllTasks(analysis.dump,
                                 filter.context != 0 ? WithObjects::kContexts : WithObjects::kNone);
  const Situation s(*dump, dump->snapshots.back(), options);
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
  TextTable table(tasks.size());
  for (const std::string& name : names) {
    const Column* column = ColumnOf(name);
    if (column == nullptr) continue;
    table.AddColumn(column->head, column->right, [&, column](std::size_t row, std::string& out) {
      column->text(view, *tasks[row], out);
    });
  }
  table.Write(filter.width, write);
}

std::string TaskTable(const Analysis& analysis, const TaskFilter& filter) {
  std::string text;
  TaskTable(analysis, filter, [&](std::string_view piece) { text += piece; });
  return text;
}

}  // namespace stranded
