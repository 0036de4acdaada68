#include "detector/report/html_events.h"

#include <algorithm>

#include "absl/container/flat_hash_set.h"
#include "detector/model/event_kind.h"

namespace stranded::detector {
namespace {

constexpr std::size_t kMostTasks = 12;       // lanes of one finding
constexpr std::size_t kMostEvents = 20'000;  // the newest
// Numbers of EventKind in docs/stranded_dump.proto.

struct Cast {
  absl::flat_hash_set<Id> tasks, contexts, channels;

  void AddTask(const Snapshot& snap, Id id) {
    tasks.insert(id);
    const Task* task = snap.tasks.Find(id);
    if (task == nullptr) return;
    for (const Context* c = snap.contexts.Find(task->context);
         c != nullptr && contexts.insert(c->id).second; c = snap.contexts.Find(c->parent)) {
      if (c->ended_by_task != 0) tasks.insert(c->ended_by_task);
    }
    for (std::uint32_t i = 0; i < task->case_count; ++i) {
      const std::size_t at = std::size_t{task->first_case} + i;
      if (at >= snap.cases.size()) break;
      const Channel* channel = snap.channels.Find(snap.cases[at].channel);
      if (channel == nullptr || channel->role == ChannelRole::kContextDone) continue;
      channels.insert(channel->id);
      for (const Peer* p : {&channel->last_sender, &channel->last_receiver}) {
        if (p->task != 0) tasks.insert(p->task);
      }
    }
    const Sync* sync = snap.syncs.Find(task->sync);
    if (sync != nullptr && sync->holder_task != 0) tasks.insert(sync->holder_task);
  }

  bool Concerns(const Event& e) const {
    switch (e.kind) {
      case 0: return false;
      case event_kind::kSpawn: return tasks.count(e.arg) != 0;
      case event_kind::kWake: return tasks.count(e.arg) != 0 || tasks.count(e.task) != 0;
      case event_kind::kCancel: return contexts.count(e.object) != 0;
      case event_kind::kClose: return channels.count(e.object) != 0;
      default: return tasks.count(e.task) != 0;
    }
  }
};

}  // namespace

Json PageEvents(const Snapshot& snap, const std::vector<FindingData>& findings,
                PageTables& tables) {
  Cast cast;
  for (const FindingData& d : findings) {
    for (std::size_t i = 0; i < std::min(d.tasks.size(), kMostTasks); ++i) {
      cast.AddTask(snap, d.tasks[i]);
    }
    for (const SpawnStep& step : d.ancestry) cast.tasks.insert(step.task);
  }
  // The newest, in order of time. There may be many times more of them than are wanted.
  std::vector<Event> events;
  const auto prune = [&events] {
    std::stable_sort(events.begin(), events.end(),
                     [](const Event& a, const Event& b) { return a.time_ns < b.time_ns; });
    if (events.size() > kMostEvents) events.erase(events.begin(), events.end() - kMostEvents);
  };
  snap.events.ForEach([&](const Event& e) {
    if (!cast.Concerns(e)) return;
    events.push_back(e);
    if (events.size() == 4 * kMostEvents) prune();
  });
  prune();
  Json out = Json::array();
  for (const Event& e : events) {
    const Task* task = snap.tasks.Find(e.task);
    const std::int64_t now = task == nullptr ? snap.taken_ns : snap.NowFor(*task);
    out.push_back({now - e.time_ns, e.kind, e.task, e.object, tables.Site(e.site), e.arg});
  }
  return out;
}

}  // namespace stranded::detector
