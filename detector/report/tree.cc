// Contexts and the tasks below them. Subtrees that look alike are folded and counted.
//
// Overview: each distinct subtree is one Drawing; equal ones are found by their parts, from the
// leaves up, so the cost is that of the tree, however deep or wide. Never recursive. Tasks and
// contexts that the reader merged count as many as they stand for.
#include <algorithm>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "detector/go/native.h"
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
using Part = std::pair<std::size_t, DrawingId>;  // how many of it

// A drawn subtree: its first line and what stands below it.
struct Drawing {
  std::string line;
  std::vector<Part> below;  // ordered by their lines
  std::size_t tasks = 0;
};

class Drawer {
 public:
  explicit Drawer(const Situation& s) : s_(s), contexts_(s.snap().contexts) { Arrange(); }

  std::string Draw() {
    // Children stand behind their parents in `order_`.
    for (std::size_t i = order_.size(); i-- > 0;) drawn_[order_[i]] = Build(order_[i]);
    std::string out;
    for (const auto& [count, root] : Roots()) Print(root, count, out);
    if (!lost_.empty()) {
      Print(Intern("tasks whose context is not in the dump", Merged(std::move(lost_)), 0), 1, out);
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
      if (t.state == TaskState::kFinished) continue;
      if (at == IdIndex::kNone) {
        lost_.emplace_back(s_.snap().CountOf(t), Leaf(t));
      } else {
        tasks_[at].emplace_back(CountBelow(contexts_.all()[at], t), Leaf(t));
      }
    }
  }

  // How many there are of a task or context below one of its parent. A crowd has as many of the
  // one as of the other.
  template <class Child>
  std::size_t CountBelow(const Context& parent, const Child& child) const {
    return parent.crowd != 0 && parent.crowd == child.crowd ? 1 : s_.snap().CountOf(child);
  }

  // In their order; those that look alike are one.
  std::vector<Part> Roots() const {
    std::vector<Part> roots;
    absl::flat_hash_map<DrawingId, std::size_t> places;
    for (const std::uint32_t root : roots_) {
      if (drawn_[root] == kNothing) continue;
      const auto [place, fresh] = places.try_emplace(drawn_[root], roots.size());
      if (fresh) roots.emplace_back(0, drawn_[root]);
      roots[place->second].first += s_.snap().CountOf(contexts_.all()[root]);
    }
    return roots;
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

  // By what is seen of them, so that it does not matter in what order they were read. Two that are
  // not the same differ somewhere below the first place where they name others.
  bool Before(DrawingId one, DrawingId other) const {
    while (one != other) {
      const Drawing &a = drawings_[one], &b = drawings_[other];
      if (a.line != b.line) return a.line < b.line;
      if (a.tasks != b.tasks) return a.tasks > b.tasks;
      const auto [in_a, in_b] = std::ranges::mismatch(a.below, b.below);
      if (in_a == a.below.end() || in_b == b.below.end()) return a.below.size() < b.below.size();
      if (in_a->second == in_b->second) return in_a->first > in_b->first;
      one = in_a->second;
      other = in_b->second;
    }
    return false;
  }

  // The drawing with that line and those below it, which are sorted by id.
  DrawingId Intern(std::string line, std::vector<Part> below, std::size_t tasks) {
    const auto [it, fresh] =
        known_.try_emplace(std::make_pair(line, below), static_cast<DrawingId>(drawings_.size()));
    if (!fresh) return it->second;
    std::ranges::sort(below, [this](const Part& one, const Part& other) {
      return Before(one.second, other.second);
    });
    drawings_.push_back({std::move(line), std::move(below), tasks});
    return it->second;
  }

  // kNothing for a context without tasks below it.
  DrawingId Build(std::uint32_t context) {
    const Context& self = contexts_.all()[context];
    std::vector<Part> parts = std::move(tasks_[context]);
    for (const std::uint32_t child : children_[context]) {
      if (drawn_[child] == kNothing) continue;
      parts.emplace_back(CountBelow(self, contexts_.all()[child]), drawn_[child]);
    }
    if (parts.empty()) return kNothing;
    std::vector<Part> below = Merged(std::move(parts));
    std::size_t tasks = 0;
    for (const auto& [count, part] : below) tasks += count * drawings_[part].tasks;
    return Intern(ContextLine(DescribeContext(s_, self)), std::move(below), tasks);
  }

  // Each of them once, with how many there are.
  static std::vector<Part> Merged(std::vector<Part> parts) {
    std::ranges::sort(parts, {}, &Part::second);
    std::vector<Part> merged;
    for (const auto& [count, part] : parts) {
      if (merged.empty() || merged.back().second != part) merged.emplace_back(0, part);
      merged.back().first += count;
    }
    return merged;
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

  void Print(DrawingId root, std::size_t count, std::string& out) const {
    PrintLine(drawings_[root], count, "", out);
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
  std::vector<std::vector<Part>> tasks_;
  std::vector<Part> lost_;  // tasks whose context was lost
  std::vector<DrawingId> drawn_;
  std::vector<Drawing> drawings_;
  absl::flat_hash_map<std::tuple<std::string_view, WaitKind, SiteId>, DrawingId> leaves_;
  absl::flat_hash_map<std::pair<std::string, std::vector<Part>>, DrawingId> known_;
};

}  // namespace

std::string TreeReport(const Analysis& analysis) {
  if (analysis.dump == nullptr || analysis.dump->snapshots.empty()) return "no snapshot\n";
  if (analysis.dump->frames_are_sites) return GoTree(*analysis.dump, analysis.summary.unlisted);
  const AnalysisOptions options;
  const Situation s(*analysis.dump, analysis.dump->snapshots.back(), options);
  return Drawer(s).Draw();
}

}  // namespace stranded
