// The wait-for graph of the findings' tasks, for graphviz.
#include <algorithm>
#include <map>
#include <set>

#include "absl/strings/str_cat.h"
#include "detector/input/all_tasks.h"
#include "detector/model/snapshot.h"
#include "detector/report/portable.h"
#include "detector/rules/rule.h"
#include "stranded/report.h"

namespace stranded {
namespace {

using detector::Id;
using detector::Snapshot;

constexpr std::size_t kMostTasks = 10;  // of one finding; the others wait in the same way

std::string Quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : detector::Utf8(text)) {
    if (c == '"' || c == '\\') out += '\\';
    if (c == '\n') {
      out += "\\n";
    } else {
      out += c;
    }
  }
  return out + "\"";
}

class Graph {
 public:
  explicit Graph(const detector::Dump& dump) : dump_(dump), snap_(dump.snapshots.back()) {}

  void AddFinding(const FindingData& d) {
    const std::size_t shown = std::min(d.tasks.size(), kMostTasks);
    for (std::size_t i = 0; i < shown; ++i) AddTask(d.tasks[i], true);
    // Not by recursion: in a dump a chain of waits can have any length.
    while (!pending_.empty()) {
      const detector::Task* task = pending_.back();
      pending_.pop_back();
      std::string name = absl::StrCat("task", task->id);
      AddWaits(*task, name);
      if (task->context != 0) Edge(name, AddContext(task->context), "context", "style=dashed");
    }
    if (d.task_count <= shown || shown == 0) return;
    const std::string node = absl::StrCat("more", d.tasks[0]);
    Node(node, absl::StrCat(d.task_count - shown, " more tasks like these"), "shape=plaintext");
    Edge(node, absl::StrCat("task", d.tasks[0]), "as", "style=dotted");
  }

  std::string Text() const {
    std::string out;
    for (const auto& [name, line] : nodes_) absl::StrAppend(&out, line);
    for (const std::string& line : edges_) absl::StrAppend(&out, line);
    return out;
  }

 private:
  void Node(const std::string& name, const std::string& label, const char* style) {
    nodes_[name] = absl::StrCat("  ", name, " [label=", Quoted(label), ", ", style, "];\n");
  }
  void Edge(const std::string& from, const std::string& to, std::string_view label,
            const char* style = "") {
    edges_.insert(absl::StrCat("  ", from, " -> ", to, " [label=", Quoted(label),
                               *style == '\0' ? "" : ", ", style, "];\n"));
  }
  std::string At(detector::SiteId id) const {
    const detector::Site& site = dump_.SiteOf(id);
    if (site.line == 0) return "";
    return absl::StrCat("\n", detector::PortablePath(site.file), ":", site.line);
  }

  // `deep`: with what it waits for. A task that is only named by others is drawn alone.
  std::string AddTask(Id id, bool deep) {
    std::string name = absl::StrCat("task", id);
    const detector::Task* task = snap_.tasks.Find(id);
    if (task == nullptr) {
      if (nodes_.count(name) == 0) {
        Node(name, absl::StrCat("task ", id, "\nfinished"), "shape=box, style=dashed");
      }
      return name;
    }
    const bool blocked = task->state == detector::TaskState::kBlocked;
    Node(name,
         absl::StrCat(detector::TaskText(*task), blocked ? "\n" : "",
                      blocked ? detector::WaitText(snap_, *task) : "",
                      blocked ? At(task->wait_site) : ""),
         blocked ? "shape=box, style=filled, fillcolor=\"#f8d7da\"" : "shape=box");
    if (deep && expanded_.insert(id).second) pending_.push_back(task);
    return name;
  }

  void AddWaits(const detector::Task& task, const std::string& name) {
    for (std::uint32_t i = 0; i < task.case_count; ++i) {
      const std::size_t at = std::size_t{task.first_case} + i;
      if (at >= snap_.cases.size()) break;
      const detector::WaitCase& c = snap_.cases[at];
      if (c.op == detector::CaseOp::kDone && c.context != 0) {
        Edge(name, AddContext(c.context), "waits for the end of");
      } else if (c.channel != 0) {
        Edge(name, AddChannel(c.channel), c.op == detector::CaseOp::kSend ? "send" : "receive");
      }
    }
    if (task.sync != 0) Edge(name, AddSync(task.sync), "waits for");
    if (task.join_task != 0) {
      Edge(name, AddTask(task.join_task, snap_.tasks.Find(task.join_task) != nullptr), "joins");
    }
  }

  std::string AddChannel(Id id) {
    std::string name = absl::StrCat("channel", id);
    const detector::Channel* channel = snap_.channels.Find(id);
    Node(name,
         channel == nullptr ? absl::StrCat("channel ", id)
                            : absl::StrCat("channel ", id, "\n", detector::ChannelText(channel),
                                           channel->closed ? ", closed" : "", At(channel->site)),
         "shape=ellipse");
    if (channel == nullptr) return name;
    if (channel->last_sender.task != 0) {
      Edge(name, AddTask(channel->last_sender.task, false), "last sender", "style=dotted");
    }
    if (channel->last_receiver.task != 0) {
      Edge(name, AddTask(channel->last_receiver.task, false), "last receiver", "style=dotted");
    }
    return name;
  }

  std::string AddSync(Id id) {
    std::string name = absl::StrCat("sync", id);
    const detector::Sync* sync = snap_.syncs.Find(id);
    Node(name,
         sync == nullptr ? absl::StrCat("lock ", id)
                         : absl::StrCat(detector::SyncText(*sync), At(sync->site)),
         "shape=diamond");
    if (sync != nullptr && sync->holder_task != 0) {
      Edge(name, AddTask(sync->holder_task, snap_.tasks.Find(sync->holder_task) != nullptr),
           "held by");
    }
    return name;
  }

  // With those above it.
  std::string AddContext(Id id) {
    for (Id at = id; at != 0;) {
      std::string name = absl::StrCat("context", at);
      if (nodes_.count(name) != 0) break;
      const detector::Context* context = snap_.contexts.Find(at);
      const bool ended = context != nullptr && context->err != detector::ContextErr::kNone;
      Node(name,
           absl::StrCat("context ", at, ended ? "\nended" : "",
                        context == nullptr ? "" : At(context->site)),
           ended ? "shape=note, style=filled, fillcolor=\"#fff3cd\"" : "shape=note");
      at = context == nullptr ? 0 : context->parent;
      if (at != 0) Edge(name, absl::StrCat("context", at), "parent", "style=dashed");
    }
    return absl::StrCat("context", id);
  }

  const detector::Dump& dump_;
  const Snapshot& snap_;
  std::map<std::string, std::string> nodes_;
  std::set<std::string> edges_;
  std::set<Id> expanded_;
  std::vector<const detector::Task*> pending_;
};

// Where there is no dump, as after a gate over several: the findings alone.
std::string Bare(const FindingData& d, std::size_t number) {
  const std::string label = absl::StrCat(d.title, "\n", detector::MainSite(d).ToString());
  return absl::StrCat("  finding", number, " [label=", Quoted(label), ", shape=box];\n");
}

}  // namespace

std::string DotReport(const Analysis& analysis) {
  std::string body;
  const std::vector<FindingData> findings = detector::PortableFindings(analysis);
  if (analysis.dump != nullptr && !analysis.dump->snapshots.empty()) {
    const auto dump = detector::WithAllTasks(analysis.dump);
    Graph graph(*dump);
    for (const FindingData& d : findings) graph.AddFinding(d);
    body = graph.Text();
  } else {
    for (std::size_t i = 0; i < findings.size(); ++i) body += Bare(findings[i], i + 1);
  }
  return absl::StrCat("digraph stranded {\n  rankdir=LR;\n  label=",
                      Quoted(detector::Verdict(analysis)), ";\n", body, "}\n");
}

}  // namespace stranded
