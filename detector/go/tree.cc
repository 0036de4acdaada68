#include <algorithm>
#include <map>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "detector/go/native.h"
#include "detector/rules/rule.h"

namespace stranded::detector {
namespace {

constexpr std::size_t kDeepest = 100;

class CreatorTree {
 public:
  explicit CreatorTree(const Dump& dump) : dump_(dump), snap_(dump.snapshots.back()) {
    for (const Task& task : snap_.tasks.all()) {
      const SpawnNode* node = snap_.spawns.Find(task.spawn);
      const Id parent = node == nullptr ? 0 : node->parent;
      const bool rooted = parent == 0 || parent == task.id || !snap_.tasks.Find(parent);
      children_[rooted ? 0 : parent].push_back(&task);
    }
  }
  std::string Draw() { return Below(0, 0); }

 private:
  std::string Line(const Task& task) const {
    const Site& site = dump_.SiteOf(task.wait_site);
    const SpawnNode* node = snap_.spawns.Find(task.spawn);
    std::string line(task.name.empty() ? std::string_view("goroutine") : task.name);
    absl::StrAppend(&line, "  ",
                    task.wait != WaitKind::kNone        ? WaitText(task.wait)
                    : task.state == TaskState::kRunning ? "running"
                                                        : "blocked");
    if (site.line != 0) absl::StrAppend(&line, "  at ", std::string(site.file), ":", site.line);
    if (node != nullptr && node->site != 0) {
      absl::StrAppend(&line, "  started by ", std::string(dump_.SiteOf(node->site).function));
    }
    return line;
  }

  // What stands below a goroutine, equal subtrees once. Each has one creator, so no
  // cycle can be reached from a root.
  std::string Below(Id id, std::size_t depth) {
    const auto it = children_.find(id);
    if (it == children_.end()) return "";
    if (depth > kDeepest) return "└─ ... more further down\n";
    std::map<std::string, std::size_t> equal;
    for (const Task* task : it->second) {
      ++equal[absl::StrCat(Line(*task), "\n", Below(task->id, depth + 1))];
    }
    std::string out;
    std::size_t left = equal.size();
    for (const auto& [text, count] : equal) {
      const bool last = --left == 0;
      Hang(text, count,
           depth == 0 ? ""
           : last     ? "└─ "
                      : "├─ ",
           depth == 0 ? ""
           : last     ? "   "
                      : "│  ",
           out);
    }
    return out;
  }

  // The first line of a subtree behind the sign of its branch, those below it behind `lead`.
  static void Hang(std::string_view text, std::size_t count, const char* sign, const char* lead,
                   std::string& out) {
    std::size_t end = text.find('\n');
    out.append(sign).append(text.substr(0, end));
    if (count > 1) absl::StrAppend(&out, "  (", count, " like this)");
    out += '\n';
    for (text.remove_prefix(end + 1); !text.empty(); text.remove_prefix(end + 1)) {
      end = text.find('\n');
      out.append(lead).append(text.substr(0, end + 1));
    }
  }

  const Dump& dump_;
  const Snapshot& snap_;
  absl::flat_hash_map<Id, std::vector<const Task*>> children_;
};

}  // namespace

std::string GoTree(const Dump& dump, std::uint64_t unlisted) {
  const std::string out = CreatorTree(dump).Draw();
  if (out.empty()) return "no goroutines\n";
  if (unlisted == 0) return out;
  return absl::StrCat(out, "... and ", unlisted, " more goroutines, which are not drawn\n");
}

}  // namespace stranded::detector
