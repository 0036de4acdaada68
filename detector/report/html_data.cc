// What the page's script works on: tasks, contexts, channels, locks, stacks and events, compactly.
// The columns are those of page/src/model.ts. Numbers in place of texts and sites are indices.
#include <algorithm>
#include <set>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "detector/input/all_tasks.h"
#include "detector/report/html_events.h"
#include "detector/report/html_page.h"
#include "detector/report/html_tables.h"
#include "detector/report/portable.h"
#include "detector/rules/evidence.h"
#include "detector/rules/rule.h"

namespace stranded::detector {
namespace {

class Writer {
 public:
  Writer(const Dump& dump, const std::vector<FindingData>& findings)
      : snap_(dump.snapshots.back()), findings_(findings), tables_(dump), stacks_(dump, tables_) {}

  Json Write() {
    Choose();
    Claim();
    Json out = {{"taken", snap_.taken_ns}, {"left_out", LeftOut()}};
    out["tasks"] = Tasks();
    out["ghosts"] = Ghosts();
    out["contexts"] = Contexts();
    out["channels"] = Channels();
    out["syncs"] = Syncs();
    out["events"] = PageEvents(snap_, findings_, tables_);
    Json waits = Json::array();
    for (int kind = 0; kind <= static_cast<int>(WaitKind::kIo); ++kind) {
      waits.push_back(WaitText(static_cast<WaitKind>(kind)));
    }
    out["waits"] = std::move(waits);
    out["patterns"] = std::move(patterns_);
    out["stacks"] = stacks_.TakeStacks();
    out["frames"] = stacks_.TakeFrames();
    out["sites"] = tables_.TakeSites();
    out["strings"] = tables_.TakeStrings();
    return out;
  }

 private:
  bool Alive(const Task& t) const { return t.state != TaskState::kFinished; }

  std::size_t LeftOut() const {
    const auto alive = std::count_if(snap_.tasks.all().begin(), snap_.tasks.all().end(),
                                     [this](const Task& t) { return Alive(t); });
    return static_cast<std::size_t>(alive) - chosen_.size();
  }

  // Those of findings first; in the dump's order.
  void Choose() {
    absl::flat_hash_set<Id> first;
    for (const FindingData& d : findings_) first.insert(d.tasks.begin(), d.tasks.end());
    std::size_t room = kMostPageTasks - std::min(kMostPageTasks, first.size());
    for (const Task& t : snap_.tasks.all()) {
      if (!Alive(t)) continue;
      if (first.count(t.id) == 0) {
        if (room == 0) continue;
        --room;
      }
      chosen_.push_back(&t);
    }
  }

  // A finding names 100 tasks at most. Where exactly as many tasks stand like these as it counts,
  // they are its tasks.
  void Claim() {
    for (const Task* t : chosen_) pattern_of_.push_back(Pattern(*t));
    absl::flat_hash_map<Id, std::size_t> position;
    for (std::size_t i = 0; i < chosen_.size(); ++i) position[chosen_[i]->id] = i;
    claimed_.assign(chosen_.size(), 0);
    for (std::size_t f = 0; f < findings_.size(); ++f) {
      for (const Id id : findings_[f].tasks) {
        const auto it = position.find(id);
        if (it != position.end() && claimed_[it->second] == 0) claimed_[it->second] = f + 1;
      }
    }
    std::vector<std::size_t> owner(patterns_.size(), 0);
    std::vector<std::vector<std::size_t>> free(patterns_.size());
    for (std::size_t i = 0; i < chosen_.size(); ++i) {
      if (claimed_[i] != 0) owner[pattern_of_[i]] = claimed_[i];
      if (claimed_[i] == 0) free[pattern_of_[i]].push_back(i);
    }
    std::vector<std::size_t> like(findings_.size() + 1);
    for (std::size_t p = 0; p < owner.size(); ++p) like[owner[p]] += free[p].size();
    for (std::size_t p = 0; p < owner.size(); ++p) {
      if (owner[p] == 0) continue;
      const FindingData& d = findings_[owner[p] - 1];
      if (d.tasks.size() + like[owner[p]] != d.task_count) continue;
      for (const std::size_t i : free[p]) claimed_[i] = owner[p];
    }
  }

  std::size_t Pattern(const Task& t) {
    const SpawnNode* spawn = snap_.spawns.Find(t.spawn);
    const unsigned flags = (t.is_thread ? 1u : 0u) | (t.daemon ? 2u : 0u) | (t.pinned ? 4u : 0u) |
                           (t.is_main ? 8u : 0u);
    const bool waits = t.wait != WaitKind::kNone;
    Json row = {tables_.Text(t.name),
                static_cast<int>(t.state),
                static_cast<int>(t.wait),
                tables_.Site(waits ? t.wait_site : t.last_site),
                tables_.Site(spawn == nullptr ? 0 : spawn->site),
                flags};
    const auto [it, fresh] = pattern_ids_.try_emplace(row.dump(), patterns_.size());
    if (fresh) patterns_.push_back(std::move(row));
    return it->second;
  }

  // What it waits for and holds: triples of operation, object and site.
  Json Relations(const Task& t) {
    Json out = Json::array();
    const auto add = [&out](int op, Id object, std::size_t site) {
      for (const std::uint64_t v : {std::uint64_t(op), object, std::uint64_t(site)}) {
        out.push_back(v);
      }
    };
    for (std::uint32_t i = 0; i < t.case_count; ++i) {
      const std::size_t at = std::size_t{t.first_case} + i;
      if (at >= snap_.cases.size()) break;
      const WaitCase& c = snap_.cases[at];
      if (c.op == CaseOp::kDone && c.context != 0) {
        add(3, c.context, tables_.Site(c.site));
        contexts_.insert(c.context);
      } else if (c.channel != 0) {
        add(c.op == CaseOp::kSend ? 2 : 1, c.channel, tables_.Site(c.site));
        channels_.insert(c.channel);
      }
    }
    if (t.sync != 0) add(5, t.sync, 0);
    if (t.join_task != 0) add(6, t.join_task, 0);
    for (std::uint32_t i = 0; i < t.held_count; ++i) {
      const std::size_t at = std::size_t{t.first_held} + i;
      if (at >= snap_.held.size()) break;
      add(7, snap_.held[at].sync, tables_.Site(snap_.held[at].site));
    }
    return out;
  }

  Json Tasks() {
    Json id = Json::array(), pattern = id, context = id, age = id, parent = id, finding = id,
         stack = id, relations = id;
    for (std::size_t i = 0; i < chosen_.size(); ++i) {
      const Task& t = *chosen_[i];
      const SpawnNode* spawn = snap_.spawns.Find(t.spawn);
      const SpawnNode* above = spawn == nullptr ? nullptr : snap_.spawns.Find(spawn->parent);
      id.push_back(t.id);
      pattern.push_back(pattern_of_[i]);
      context.push_back(t.context);
      contexts_.insert(t.context);
      age.push_back(t.since_ns == 0 ? -1 : std::max<std::int64_t>(0, snap_.NowFor(t) - t.since_ns));
      parent.push_back(above == nullptr ? 0 : above->task);
      if (above != nullptr) parents_.insert(above->id);
      finding.push_back(claimed_[i]);
      stack.push_back(stacks_.Of(snap_, t));
      relations.push_back(Relations(t));
    }
    return {{"id", id},       {"pattern", pattern},    {"context", context},
            {"age", age},     {"parent", parent},      {"finding", finding},
            {"stack", stack}, {"relations", relations}};
  }

  // Ancestors that are gone: they hold the tree of spawns together.
  Json Ghosts() {
    Json out = Json::array();
    absl::flat_hash_set<Id> seen;
    for (const Id start : parents_) {
      for (const SpawnNode* n = snap_.spawns.Find(start); n != nullptr && seen.insert(n->id).second;
           n = snap_.spawns.Find(n->parent)) {
        const Task* alive = snap_.tasks.Find(n->task);
        if (alive != nullptr && Alive(*alive)) continue;
        const SpawnNode* above = snap_.spawns.Find(n->parent);
        out.push_back({n->task, tables_.Text(n->name), tables_.Site(n->site),
                       above == nullptr ? 0 : above->task});
      }
    }
    std::sort(out.begin(), out.end());
    return out;
  }

  Json Contexts() {
    const bool all = LeftOut() == 0 && snap_.contexts.size() <= kMostPageTasks;
    absl::flat_hash_set<Id> wanted;
    for (const Id start : contexts_) {
      for (const Context* c = snap_.contexts.Find(start);
           c != nullptr && wanted.insert(c->id).second; c = snap_.contexts.Find(c->parent)) {
      }
    }
    Json out = Json::array();
    for (const Context& c : snap_.contexts.all()) {
      if (!all && wanted.count(c.id) == 0) continue;
      const bool ended = c.err != ContextErr::kNone;
      out.push_back({c.id, c.parent, tables_.Text(ContextKindText(c.kind)), tables_.Site(c.site),
                     static_cast<int>(c.err), ended ? snap_.NowFor(c) - c.ended_ns : 0,
                     c.ended_by_task, tables_.Site(c.ended_site), tables_.Text(c.cause),
                     tables_.Text(TypeText(c.key_type)),
                     tables_.Text(c.value_printable ? c.value_text : ""), c.creator_task,
                     c.ended_origin, (c.cancel_lost ? 1 : 0) | (c.timer_pending ? 2 : 0)});
    }
    return out;
  }

  static Json PeerRow(const Peer& p, PageTables& tables) {
    return {p.task, tables.Text(p.name), tables.Site(p.site), static_cast<int>(p.outcome),
            tables.Site(p.left_site)};
  }

  Json Channels() {
    const bool all = LeftOut() == 0 && snap_.channels.size() <= kMostPageTasks;
    Json out = Json::array();
    for (const Channel& c : snap_.channels.all()) {
      const bool used = channels_.count(c.id) != 0;
      if (!used && (!all || c.role == ChannelRole::kContextDone)) continue;
      out.push_back({c.id, tables_.Site(c.site), tables_.Text(TypeText(c.elem_type)), c.capacity,
                     c.length, c.closed ? 1 : 0, c.sends_started, c.sends_completed,
                     c.recvs_started, c.recvs_completed, c.creator_task, c.closed_by_task,
                     tables_.Site(c.closed_site), static_cast<int>(c.role),
                     PeerRow(c.last_sender, tables_), PeerRow(c.last_receiver, tables_)});
    }
    return out;
  }

  Json Syncs() {
    Json out = Json::array();
    for (const Sync& s : snap_.syncs.all()) {
      if (out.size() >= kMostPageTasks) break;
      out.push_back({s.id, tables_.Text(SyncText(s)), tables_.Site(s.site), s.holder_task,
                     tables_.Site(s.holder_site), s.counter, s.waiters, s.readers});
    }
    return out;
  }

  const Snapshot& snap_;
  const std::vector<FindingData>& findings_;
  PageTables tables_;
  PageStacks stacks_;
  std::vector<const Task*> chosen_;
  std::vector<std::size_t> pattern_of_, claimed_;  // beside chosen_
  absl::flat_hash_map<std::string, std::size_t> pattern_ids_;
  Json patterns_ = Json::array();
  absl::flat_hash_set<Id> contexts_, channels_;
  std::set<Id> parents_;  // spawn nodes, in order: what is written is the same in every run
};

}  // namespace

Json PageData(const Analysis& analysis, const std::vector<FindingData>& findings) {
  Json out = {{"version", 1}, {"program", PortablePath(analysis.summary.program)}};
  Json list = Json::array();
  for (const FindingData& d : findings) {
    list.push_back({{"tasks", d.tasks},
                    {"count", d.task_count},
                    {"title", Utf8(d.title)},
                    {"verdict", d.verdict}});
  }
  out["findings"] = std::move(list);
  // After a gate over several dumps there is none to show objects of.
  if (analysis.dump == nullptr || analysis.dump->snapshots.empty()) return out;
  const auto dump = WithAllTasks(analysis.dump);
  out.update(Writer(*dump, findings).Write());
  return out;
}

}  // namespace stranded::detector
