// Contexts and the tasks below them. Subtrees that look alike are folded and counted.
//
// Overview: each distinct subtree is one Drawing; equal ones are found by their parts, from the
// leaves up, so the cost is that of the tree, however deep or wide. Never recursive.
#include <algorithm>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "detector/go/native.h"
#include "detector/input/all_tasks.h"
#include "detector/rules/evidence.h"
#include "detector/rules/rule.h"
#include "stranded/report.h"

namespace stranded {

using namespace detector;  // NOLINT(build/namespaces)

namespace {

// Deeper ones are only counted: each line is indented by all that stand above it.
constexpr std::size_t kDeepest = 200;
constexpr std::uint32_t kNothing = 0xffffffff;

using DrawingId = std::uint32_t;

// A drawn subtree: its first line and what stands below it.
struct Drawing {
  std::string line;
  std::vector<std::pair<std::size_t, DrawingId>> below;  // count, subtree; ordered by their lines
  std::size_t tasks = 0;
};

class Drawer {
 public:
  explicit Drawer(const Situation& s) : s_(s), contexts_(s.snap().contexts) { Arrange(); }

  std::string Draw() {
    // Children stand behind their parents in `order_`.
    for (std::size_t i = order_.size(); i-- > 0;) drawn_[order_[i]] = Build(order_[i]);
    std::string out;
    for (const std::uint32_t root : roots_) {
      if (drawn_[root] != kNothing) Print(drawn_[root], out);
    }
    return out.empty() ? "no contexts and no tasks\n" : out;
  }

 private:
  // Contexts in an order from the roots down, and what stands directly below each.
  void Arrange() {
    const std::size_t count = contexts_.size();
    children_.resize(count);
    tasks_.resize(count);
    drawn_.assign(count, kNothing);
    for (std::uint32_t i = 0; i < count; ++i) {
      // A parent that is not in the dump makes a root; a circle in a damaged one is left out.
      const std::uint32_t parent = contexts_.PositionOfId(contexts_.all()[i].parent);
      const bool rooted = contexts_.all()[i].parent == 0 || parent == IdIndex::kNone;
      rooted ? roots_.push_back(i) : children_[parent].push_back(i);
    }
    order_ = roots_;
    for (std::size_t i = 0; i < order_.size(); ++i) {
      const std::vector<std::uint32_t>& below = children_[order_[i]];
      order_.insert(order_.end(), below.begin(), below.end());
    }
    for (const Task& t : s_.snap().tasks.all()) {
      const std::uint32_t at = contexts_.PositionOfId(t.context);
      if (t.state != TaskState::kFinished && at != IdIndex::kNone) tasks_[at].push_back(Leaf(t));
    }
  }

  std::string ContextLine(const ContextStep& c) const {
    std::string line = c.kind;
    if (c.site.known()) absl::StrAppend(&line, "  ", c.site.ToString());
    if (!c.value.empty()) absl::StrAppend(&line, "  ", c.key_type, " = ", c.value);
    if (c.ended) absl::StrAppend(&line, "  ", c.err);
    return line;
  }

  std::string TaskLine(const Task& t, SiteId site) const {
    std::string line = t.name.empty() ? "task" : absl::StrCat("task \"", std::string(t.name), "\"");
    absl::StrAppend(&line, "  ", t.wait == WaitKind::kNone ? "running" : WaitText(s_.snap(), t),
                    "  at ", Place(s_, site));
    return line;
  }

  DrawingId Leaf(const Task& t) {
    const SiteId site = t.wait_site != 0 ? t.wait_site : t.last_site;
    const auto [it, fresh] = leaves_.try_emplace(std::make_tuple(t.name, t.wait, site), kNothing);
    if (fresh) it->second = Intern(TaskLine(t, site), {}, 1);
    return it->second;
  }

  // The drawing with that line and those below it, which are sorted by id.
  DrawingId Intern(std::string line, std::vector<std::pair<std::size_t, DrawingId>> below,
                   std::size_t tasks) {
    const auto [it, fresh] =
        known_.try_emplace(std::make_pair(line, below), static_cast<DrawingId>(drawings_.size()));
    if (!fresh) return it->second;
    std::stable_sort(below.begin(), below.end(), [this](const auto& a, const auto& b) {
      return drawings_[a.second].line < drawings_[b.second].line;
    });
    drawings_.push_back({std::move(line), std::move(below), tasks});
    return it->second;
  }

  // kNothing for a context without tasks below it.
  DrawingId Build(std::uint32_t context) {
    std::vector<DrawingId> parts = std::move(tasks_[context]);
    for (const std::uint32_t child : children_[context]) {
      if (drawn_[child] != kNothing) parts.push_back(drawn_[child]);
    }
    if (parts.empty()) return kNothing;
    std::sort(parts.begin(), parts.end());
    std::vector<std::pair<std::size_t, DrawingId>> below;
    std::size_t tasks = 0;
    for (const DrawingId part : parts) {
      if (below.empty() || below.back().second != part) below.emplace_back(0, part);
      ++below.back().first;
      tasks += drawings_[part].tasks;
    }
    return Intern(ContextLine(DescribeContext(s_, contexts_.all()[context])), std::move(below),
                  tasks);
  }

  struct Open {
    const Drawing* drawing;
    std::size_t next;
    std::string below;  // what the lines below it begin with
  };

  static void PrintLine(const Drawing& d, std::size_t count, const std::string& lead,
                        std::string& out) {
    absl::StrAppend(&out, lead, d.line, count > 1 ? absl::StrCat("  (", count, " like this)") : "",
                    "\n");
  }

  void Print(DrawingId root, std::string& out) const {
    PrintLine(drawings_[root], 1, "", out);
    std::vector<Open> open{{&drawings_[root], 0, ""}};
    while (!open.empty()) {
      Open& top = open.back();
      if (top.next == top.drawing->below.size()) {
        open.pop_back();
        continue;
      }
      const auto [count, id] = top.drawing->below[top.next++];
      const bool last = top.next == top.drawing->below.size();
      const Drawing& d = drawings_[id];
      PrintLine(d, count, absl::StrCat(top.below, last ? "└─ " : "├─ "), out);
      std::string below = absl::StrCat(top.below, last ? "   " : "│  ");
      if (d.below.empty()) continue;
      if (open.size() < kDeepest) {
        open.push_back({&d, 0, std::move(below)});
      } else {
        absl::StrAppend(&out, below, "└─ ... ", d.tasks, d.tasks == 1 ? " task" : " tasks",
                        " further down\n");
      }
    }
  }

  const Situation& s_;
  const Table<Context>& contexts_;
  std::vector<std::uint32_t> roots_, order_;          // positions of contexts
  std::vector<std::vector<std::uint32_t>> children_;  // by position
  std::vector<std::vector<DrawingId>> tasks_;
  std::vector<DrawingId> drawn_;
  std::vector<Drawing> drawings_;
  absl::flat_hash_map<std::tuple<std::string_view, WaitKind, SiteId>, DrawingId> leaves_;
  absl::flat_hash_map<std::pair<std::string, std::vector<std::pair<std::size_t, DrawingId>>>,
                      DrawingId>
      known_;
};

}  // namespace

std::string TreeReport(const Analysis& analysis) {
  if (analysis.dump == nullptr || analysis.dump->snapshots.empty()) return "no snapshot\n";
  if (analysis.dump->frames_are_sites) return GoTree(*analysis.dump, analysis.summary.unlisted);
  const AnalysisOptions options;
  const auto dump = WithAllTasks(analysis.dump);
  const Situation s(*dump, dump->snapshots.back(), options);
  return Drawer(s).Draw();
}

}  // namespace stranded
