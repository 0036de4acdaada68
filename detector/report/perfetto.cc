// A Perfetto trace: contexts and tasks as tracks, what tasks did as slices, findings as marks.
#include <algorithm>
#include <map>
#include <set>

#include "absl/strings/str_cat.h"
#include "detector/input/all_tasks.h"
#include "detector/model/event_kind.h"
#include "detector/model/snapshot.h"
#include "detector/report/perfetto_trace.h"
#include "detector/report/portable.h"
#include "detector/rules/rule.h"
#include "stranded/report.h"

namespace stranded {

using detector::Event;
using detector::Id;
using detector::TraceEvent;
using detector::TraceType;

namespace {

constexpr std::size_t kMostTasks = 2000;  // beyond, only those of findings and their ancestors
constexpr std::uint64_t kProcessTrack = 1;
constexpr std::uint64_t kContextTracks = std::uint64_t{1} << 60;
constexpr std::uint64_t kTaskTracks = std::uint64_t{2} << 60;
// Numbers of EventKind in docs/stranded_dump.proto.

class Export {
 public:
  Export(const detector::Dump& dump, const std::vector<FindingData>& findings)
      : dump_(dump), snap_(dump.snapshots.back()), findings_(findings) {}

  std::string Text(const std::string& program) {
    trace_.AddProcess(kProcessTrack, dump_.pid, program);
    for (const FindingData& d : findings_) marked_.insert(d.tasks.begin(), d.tasks.end());
    Choose();
    for (const detector::Context& c : snap_.contexts.all()) {
      if (!Crowded()) AddContext(c.id);
    }
    for (const Id id : chosen_) AddTask(*snap_.tasks.Find(id));
    AddHistory();
    for (const Id id : chosen_) CloseTask(*snap_.tasks.Find(id));
    for (std::size_t i = 0; i < findings_.size(); ++i) AddFinding(findings_[i], i + 1);
    return trace_.Finish();
  }

 private:
  bool Crowded() const { return snap_.tasks.size() > kMostTasks; }

  void Choose() {
    const auto take = [&](Id id) {
      if (snap_.tasks.Find(id) != nullptr) chosen_.insert(id);
    };
    for (const FindingData& d : findings_) {
      for (const Id id : d.tasks) take(id);
      for (const SpawnStep& step : d.ancestry) take(step.task);
    }
    if (Crowded()) return;
    for (const detector::Task& task : snap_.tasks.all()) chosen_.insert(task.id);
  }

  std::string At(detector::SiteId id) const {
    const detector::Site& site = dump_.SiteOf(id);
    return site.line == 0 ? "" : absl::StrCat(detector::PortablePath(site.file), ":", site.line);
  }

  // With those above it, parents first. Dumps can hold chains of any length, and rings.
  std::uint64_t AddContext(Id id) {
    std::vector<const detector::Context*> fresh;
    for (const auto* c = snap_.contexts.Find(id); c != nullptr;
         c = snap_.contexts.Find(c->parent)) {
      if (!declared_.insert(c->id).second) break;
      fresh.push_back(c);
    }
    for (auto c = fresh.rbegin(); c != fresh.rend(); ++c) DeclareContext(**c);
    return snap_.contexts.Find(id) == nullptr ? 0 : kContextTracks + id;
  }

  void DeclareContext(const detector::Context& context) {
    const std::uint64_t track = kContextTracks + context.id;
    const bool below = snap_.contexts.Find(context.parent) != nullptr;
    const std::string at = At(context.site);
    trace_.AddTrack(track, below ? kContextTracks + context.parent : 0,
                    absl::StrCat("context ", context.id, at.empty() ? "" : " ", at), at);
    const bool origin = context.ended_origin == 0 || context.ended_origin == context.id;
    if (context.err == detector::ContextErr::kNone || !origin) return;
    TraceEvent end;
    end.time_ns = context.ended_ns;
    end.track = track;
    end.category = "cancel";
    end.name = context.err == detector::ContextErr::kCancelled ? "cancelled" : "deadline exceeded";
    if (context.ended_site != 0) end.notes.emplace_back("at", At(context.ended_site));
    trace_.Add(end);
  }

  void AddTask(const detector::Task& task) {
    const detector::SpawnNode* spawn = snap_.spawns.Find(task.spawn);
    trace_.AddTrack(kTaskTracks + task.id, AddContext(task.context), detector::TaskText(task),
                    spawn == nullptr ? "" : absl::StrCat("spawned at ", At(spawn->site)));
  }

  void End(Id id, std::int64_t time) {
    if (open_.erase(id) == 0) return;
    TraceEvent end;
    end.time_ns = time;
    end.track = kTaskTracks + id;
    end.type = TraceType::kEnd;
    trace_.Add(end);
  }

  void Begin(Id id, std::int64_t time, const std::string& name, detector::SiteId site,
             std::uint64_t flow_end = 0) {
    if (chosen_.count(id) == 0) return;
    End(id, time);
    TraceEvent begin;
    begin.time_ns = time;
    begin.track = kTaskTracks + id;
    begin.type = TraceType::kBegin;
    begin.category = "task";
    begin.name = name;
    begin.flow_end = flow_end;
    if (const std::string at = At(site); !at.empty()) begin.notes.emplace_back("at", at);
    trace_.Add(begin);
    open_[id] = {time, name};
  }

  static std::string Blocked(detector::WaitKind kind) {
    return absl::StrCat("blocked: ", detector::WaitText(kind));
  }

  // Arrows only to tasks of findings: dense ones freeze the viewer.
  void Spawned(const Event& e) {
    TraceEvent spawn;
    spawn.time_ns = e.time_ns;
    spawn.track = kTaskTracks + e.task;
    spawn.category = "spawn";
    spawn.name = absl::StrCat("spawn task ", e.arg);
    spawn.flow = e.arg;
    if (const std::string at = At(e.site); !at.empty()) spawn.notes.emplace_back("at", at);
    trace_.Add(spawn);
    spawned_.insert(e.arg);
  }

  // It leaves something in the trace.
  bool Drawn(const Event& e) const {
    switch (e.kind) {
      case detector::event_kind::kSpawn:
        return marked_.count(e.arg) != 0 && chosen_.count(e.task) != 0;
      case detector::event_kind::kStart:
      case detector::event_kind::kPark:
      case detector::event_kind::kFinish: return chosen_.count(e.task) != 0;
      case detector::event_kind::kWake: return chosen_.count(e.arg) != 0;
      default: return false;
    }
  }

  void AddHistory() {
    std::vector<Event> events;
    snap_.events.ForEach([&](const Event& e) {
      if (Drawn(e)) events.push_back(e);
    });
    std::stable_sort(events.begin(), events.end(),
                     [](const Event& a, const Event& b) { return a.time_ns < b.time_ns; });
    for (const Event& e : events) {
      switch (e.kind) {
        case detector::event_kind::kSpawn: Spawned(e); break;
        case detector::event_kind::kStart:
          Begin(e.task, e.time_ns, "running", 0, spawned_.count(e.task) != 0 ? e.task : 0);
          break;
        case detector::event_kind::kPark:
          Begin(e.task, e.time_ns, Blocked(static_cast<detector::WaitKind>(e.arg)), e.site);
          break;
        case detector::event_kind::kWake: Begin(e.arg, e.time_ns, "running", 0); break;
        case detector::event_kind::kFinish: End(e.task, e.time_ns); break;
        default: break;
      }
    }
  }

  // What the snapshot says counts. The last slice stays open: "did not terminate".
  void CloseTask(const detector::Task& task) {
    const auto open = open_.find(task.id);
    const std::string now = open == open_.end() ? "" : open->second.second;
    const bool waits =
        task.state == detector::TaskState::kBlocked || task.state == detector::TaskState::kSleeping;
    const std::string want = waits ? Blocked(task.wait) : "running";
    if (task.state == detector::TaskState::kFinished) {
      End(task.id, snap_.NowFor(task));
    } else if (now != want) {
      // A task that is not blocked has no time of its own: it is known to run at the snapshot.
      const std::int64_t since = waits ? task.since_ns : snap_.NowFor(task);
      const std::int64_t least = open == open_.end() ? since : open->second.first;
      Begin(task.id, std::max(since, least), want, waits ? task.wait_site : 0);
    }
  }

  void AddFinding(const FindingData& d, std::uint64_t number) {
    TraceEvent mark;
    const detector::Task* first = d.tasks.empty() ? nullptr : snap_.tasks.Find(d.tasks[0]);
    mark.time_ns = first == nullptr ? snap_.taken_ns : snap_.NowFor(*first);
    mark.track = kProcessTrack;
    if (!d.tasks.empty() && chosen_.count(d.tasks[0]) != 0) mark.track = kTaskTracks + d.tasks[0];
    mark.category = "finding";
    mark.name = absl::StrCat("STRANDED ", d.title);
    mark.finding = number;
    mark.notes = {{"rule", d.rule},
                  {"verdict", d.verdict},
                  {"context", detector::ContextName(d)},
                  {"blocked at", d.wait_site.known() ? d.wait_site.ToString() : ""},
                  {"fix", d.fixes.empty() ? "" : d.fixes[0].summary},
                  {"finding", d.fingerprint}};
    std::erase_if(mark.notes, [](const auto& note) { return note.second.empty(); });
    mark.stack = d.stack;
    trace_.Add(mark);
  }

  const detector::Dump& dump_;
  const detector::Snapshot& snap_;
  const std::vector<FindingData>& findings_;
  detector::PerfettoTrace trace_;
  std::set<Id> marked_, chosen_, spawned_;
  std::set<Id> declared_;  // contexts
  std::map<Id, std::pair<std::int64_t, std::string>>
      open_;  // the slice that is open on a task's track
};

}  // namespace

std::string PerfettoReport(const Analysis& analysis) {
  // Tracks come from one dump; what was merged from several has none.
  if (analysis.dump == nullptr || analysis.dump->snapshots.empty()) return "";
  const std::vector<FindingData> findings = detector::PortableFindings(analysis);
  const auto dump = detector::WithAllTasks(analysis.dump);
  return Export(*dump, findings).Text(detector::PortablePath(analysis.summary.program));
}

}  // namespace stranded
