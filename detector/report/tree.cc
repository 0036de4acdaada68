// Contexts and the tasks below them. Subtrees that look alike are folded and counted.
#include <algorithm>
#include <map>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "detector/go/native.h"
#include "detector/rules/evidence.h"
#include "detector/rules/rule.h"
#include "stranded/report.h"

namespace stranded {

using namespace detector;  // NOLINT(build/namespaces)

namespace {

constexpr std::size_t kDeepest = 200;

// A drawn subtree: its first line and what stands below it.
struct Drawing {
  std::string line;
  std::vector<std::pair<std::size_t, const Drawing*>> below;  // count, subtree
  std::string text;                                           // of the whole subtree, to compare
};

class Drawer {
 public:
  explicit Drawer(const Situation& s) : s_(s) {
    for (const Context& c : s.snap().contexts.all()) {
      // A parent that is not in the dump, or a cycle in a damaged one, makes a root.
      const bool rooted = c.parent == 0 || s.snap().contexts.Find(c.parent) == nullptr;
      rooted ? roots_.push_back(c.id) : children_[c.parent].push_back(c.id);
    }
    for (const Task& t : s.snap().tasks.all()) {
      if (t.state != TaskState::kFinished) tasks_[t.context].push_back(&t);
    }
  }

  std::string Draw() {
    std::string out;
    for (const Id root : roots_) {
      const Drawing* drawing = Build(root, 0);
      if (drawing != nullptr) Print(*drawing, 1, "", "", out);
    }
    return out.empty() ? "no contexts and no tasks\n" : out;
  }

 private:
  std::string ContextLine(const ContextStep& c) const {
    std::string line = c.kind;
    if (c.site.known()) absl::StrAppend(&line, "  ", c.site.ToString());
    if (!c.value.empty()) absl::StrAppend(&line, "  ", c.key_type, " = ", c.value);
    if (c.ended) absl::StrAppend(&line, "  ", c.err);
    return line;
  }

  std::string TaskLine(const Task& t) const {
    std::string line = t.name.empty() ? "task" : absl::StrCat("task \"", std::string(t.name), "\"");
    const SiteId site = t.wait_site != 0 ? t.wait_site : t.last_site;
    absl::StrAppend(&line, "  ", t.wait == WaitKind::kNone ? "running" : WaitText(t.wait), "  at ",
                    Place(s_, site));
    return line;
  }

  const Drawing* Leaf(std::string line) {
    auto drawing = std::make_unique<Drawing>();
    drawing->text = drawing->line = std::move(line);
    owned_.push_back(std::move(drawing));
    return owned_.back().get();
  }

  // nullptr for a context without tasks below it.
  const Drawing* Build(Id id, std::size_t depth) {
    std::map<std::string, std::pair<std::size_t, const Drawing*>> equal;
    const auto add = [&](const Drawing* d) {
      if (d == nullptr) return;
      auto& entry = equal[d->text];
      ++entry.first;
      entry.second = d;
    };
    for (const Task* t : tasks_[id]) add(Leaf(TaskLine(*t)));
    if (depth < kDeepest) {
      for (const Id child : children_[id]) add(Build(child, depth + 1));
    }
    if (equal.empty()) return nullptr;
    auto drawing = std::make_unique<Drawing>();
    Task probe;
    probe.context = id;
    drawing->line = ContextLine(DescribeContexts(s_, probe).front());
    drawing->text = drawing->line;
    for (const auto& [text, entry] : equal) {
      drawing->below.push_back(entry);
      absl::StrAppend(&drawing->text, "\n(", entry.first, "x ", text, ")");
    }
    owned_.push_back(std::move(drawing));
    return owned_.back().get();
  }

  void Print(const Drawing& d, std::size_t count, const std::string& lead, const std::string& below,
             std::string& out) const {
    absl::StrAppend(&out, lead, d.line, count > 1 ? absl::StrCat("  (", count, " like this)") : "",
                    "\n");
    for (std::size_t i = 0; i < d.below.size(); ++i) {
      const bool last = i + 1 == d.below.size();
      Print(*d.below[i].second, d.below[i].first, absl::StrCat(below, last ? "└─ " : "├─ "),
            absl::StrCat(below, last ? "   " : "│  "), out);
    }
  }

  const Situation& s_;
  std::vector<Id> roots_;
  absl::flat_hash_map<Id, std::vector<Id>> children_;
  absl::flat_hash_map<Id, std::vector<const Task*>> tasks_;
  std::vector<std::unique_ptr<Drawing>> owned_;
};

}  // namespace

std::string TreeReport(const Analysis& analysis) {
  if (analysis.dump == nullptr || analysis.dump->snapshots.empty()) return "no snapshot\n";
  if (analysis.dump->frames_are_sites) return GoTree(*analysis.dump);
  const AnalysisOptions options;
  const Situation s(*analysis.dump, analysis.dump->snapshots.back(), options);
  return Drawer(s).Draw();
}

}  // namespace stranded
