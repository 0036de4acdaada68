// Classify every task, put those with one cause together, and describe each group.
#include "stranded/analysis.h"

#include <algorithm>
#include <map>
#include <tuple>

#include "absl/strings/str_cat.h"
#include "detector/fixes/fixes.h"
#include "detector/report/symbolizer.h"
#include "detector/rules/evidence.h"
#include "detector/rules/rule.h"
#include "detector/rules/wait_chain.h"
#include "detector/rules/world_rules.h"

namespace stranded {

using namespace detector;  // NOLINT(build/namespaces): the implementation of the public function

namespace {

struct Classified {
  std::size_t rule = 0;
  Match match;
};

// Sites rather than strings: cheap for a million tasks.
using GroupKey = std::tuple<std::size_t, std::string, int, SiteId, SiteId, SiteId>;

bool Contains(const SourceSite& site, const std::string& pattern) {
  return site.ToString().find(pattern) != std::string::npos ||
         site.function.find(pattern) != std::string::npos;
}

bool Ignored(const Situation& s, const Task& task) {
  if (s.options().ignore.empty()) return false;
  const SpawnNode* spawn = s.snap().spawns.Find(task.spawn);
  const SourceSite wait = SiteText(s, task.wait_site);
  const SourceSite start = SiteText(s, spawn == nullptr ? 0 : spawn->site);
  return std::any_of(s.options().ignore.begin(), s.options().ignore.end(),
                     [&](const std::string& p) { return Contains(wait, p) || Contains(start, p); });
}

bool Wanted(const AnalysisOptions& options, std::string_view rule) {
  return options.rules.empty() ||
         std::find(options.rules.begin(), options.rules.end(), rule) != options.rules.end();
}

bool Reportable(const Situation& s, const Task& task) {
  if (task.state == TaskState::kFinished || task.daemon) return false;
  if (task.wait == WaitKind::kLeakCheck || !s.InFocus(task)) return false;
  // Only blocked tasks and sleepers are ever stuck; a running one counts when its scope is over.
  return s.Blocked(task) || task.state == TaskState::kSleeping || s.ScopeEnded(task);
}

class Analyzer {
 public:
  Analyzer(const Dump& dump, const Snapshot& snap, const AnalysisOptions& options)
      : s_(dump, snap, options), symbolizer_(dump) {}

  void Run(Analysis& out);

 private:
  void Classify(const Task& task, Analysis& out);
  FindingData Describe(std::size_t rule, const Group& group);
  void AddStack(const Group& group, FindingData& data);

  Situation s_;
  Symbolizer symbolizer_;
  std::map<GroupKey, Group> groups_;
};

void Analyzer::Classify(const Task& task, Analysis& out) {
  const auto& rules = TaskRules();
  bool late = false;
  for (std::size_t i = 0; i < rules.size(); ++i) {
    // A sleeper can only be late.
    if ((late || !s_.Blocked(task)) && rules[i] != &kOutlivedScope) continue;
    const Match match = rules[i]->check(s_, task);
    if (match.answer == Answer::kFine) continue;
    if (match.answer == Answer::kLookAgain) {
      // Behind the end of its scope it is late at least.
      if (s_.ScopeEnded(task)) late = true;
      if (late) continue;
      if (!task.is_main) ++out.look_again;
      return;
    }
    // Main waits for others all the time; that needs a proof.
    if (task.is_main && !s_.Quiet(task) && match.verdict != "proven") return;
    const bool in_deadlock = s_.Deadlocked(task);
    const bool plain = rules[i] == &kAbandonedSend || rules[i] == &kAbandonedRecv;
    if (in_deadlock && plain && task.is_main) return;  // its world's finding says it
    if (Ignored(s_, task)) return;
    const SpawnNode* spawn = s_.snap().spawns.Find(task.spawn);
    const Channel* channel = s_.ChannelOf(task);
    // The key of a cycle or chain names its root: then the sites of its members do not matter.
    const bool rooted = rules[i] == &kLockCycle || rules[i] == &kLockChanCycle;
    GroupKey key{i, match.key, rooted ? 0 : static_cast<int>(task.wait), 0, 0, 0};
    if (!rooted) {
      std::get<3>(key) = task.wait_site != 0 ? task.wait_site : task.last_site;
      std::get<4>(key) = spawn == nullptr ? 0 : spawn->site;
      std::get<5>(key) = channel == nullptr ? 0 : channel->site;
    }
    Group& group = groups_[key];
    group.tasks.push_back(&task);
    group.verdict = match.verdict;
    return;
  }
}

std::string Who(const Situation& s, const Group& group) {
  const Task& task = *group.tasks.front();
  if (group.tasks.size() == 1) return absl::StrCat(TaskText(s, task.id), " is");
  std::string who = absl::StrCat(group.tasks.size(), " tasks");
  const bool one_name = std::all_of(group.tasks.begin(), group.tasks.end(),
                                    [&](const Task* t) { return t->name == task.name; });
  if (one_name && !task.name.empty()) absl::StrAppend(&who, " \"", std::string(task.name), "\"");
  return absl::StrCat(who, " are");
}

std::string WaitName(WaitKind kind) {
  switch (kind) {
    case WaitKind::kChanSend:
    case WaitKind::kChanSendNil: return "send";
    case WaitKind::kChanRecv:
    case WaitKind::kChanRecvNil: return "receive";
    case WaitKind::kSelect:
    case WaitKind::kSelectEmpty: return "select";
    case WaitKind::kMutexLock: return "lock";
    case WaitKind::kRwMutexRLock: return "read lock";
    case WaitKind::kRwMutexLock: return "write lock";
    case WaitKind::kWaitGroupWait: return "wait";
    case WaitKind::kCondWait: return "condition";
    case WaitKind::kOnceWait: return "once";
    case WaitKind::kSemaphoreAcquire: return "acquire";
    case WaitKind::kJoin: return "join";
    case WaitKind::kSleep: return "sleep";
    default: return "running";
  }
}

void Analyzer::AddStack(const Group& group, FindingData& data) {
  const Task* with_stack = group.tasks.front();
  for (const Task* task : group.tasks) {
    if (task->frame_count > 0) {
      with_stack = task;
      break;
    }
  }
  data.stack_note = std::string(with_stack->stack_note);
  if (!s_.options().symbolize) return;
  for (std::uint32_t i = 0; i < with_stack->frame_count; ++i) {
    symbolizer_.AddFrames(s_.snap().frames[with_stack->first_frame + i], data.stack);
  }
}

FindingData Analyzer::Describe(std::size_t index, const Group& group) {
  const Rule& rule = *TaskRules()[index];
  const Task& task = *group.tasks.front();
  FindingData data;
  data.rule = rule.text.id;
  data.verdict = std::string(group.verdict);
  data.task_count = group.tasks.size();
  for (const Task* t : group.tasks) {
    if (data.tasks.size() < s_.options().most_tasks_listed) data.tasks.push_back(t->id);
  }
  data.task_name = std::string(task.name);
  data.wait = WaitName(task.wait);
  data.wait_site = SiteText(s_, task.wait_site != 0 ? task.wait_site : task.last_site);
  if (const SpawnNode* spawn = s_.snap().spawns.Find(task.spawn)) {
    data.spawn_site = SiteText(s_, spawn->site);
  }
  if (const Context* ended = s_.EndedContext(task)) data.context_site = SiteText(s_, ended->site);
  if (const Sync* sync = s_.snap().syncs.Find(task.sync)) data.sync_site = SiteText(s_, sync->site);
  data.min_age_ns = data.max_age_ns = s_.Age(task);
  for (const Task* t : group.tasks) {
    data.min_age_ns = std::min(data.min_age_ns, s_.Age(*t));
    data.max_age_ns = std::max(data.max_age_ns, s_.Age(*t));
  }
  if (const Channel* channel = s_.ChannelOf(task)) {
    data.has_channel = true;
    data.channel = DescribeChannel(s_, *channel);
    data.peer = DescribePeer(s_, task, *channel);
    std::vector<Id> ids;
    for (const Task* t : group.tasks) {
      if (const Channel* c = s_.ChannelOf(*t)) ids.push_back(c->id);
    }
    std::sort(ids.begin(), ids.end());
    data.channel.instances =
        static_cast<std::size_t>(std::distance(ids.begin(), std::unique(ids.begin(), ids.end())));
  }
  data.contexts = DescribeContexts(s_, task);
  data.ancestry = DescribeAncestry(s_, task);
  data.title = rule.sentence(s_, group, Who(s_, group), group.tasks.size() > 1);
  AddStack(group, data);
  rule.explain(s_, group, data);
  if (data.graph.empty()) data.graph = WaitChain(s_, task);
  ListCandidates(s_, group, data);
  return data;
}

int Severity(const FindingData& d) {
  if (d.rule == "global-deadlock") return 0;
  if (d.rule == "lost-cancel") return 4;
  if (d.rule == "lock-order" || d.rule == "growth" || d.rule == "context-bag") return 5;
  if (d.rule == "outlived-scope") return 3;
  return d.verdict == "proven" ? 1 : 2;
}

void Analyzer::Run(Analysis& out) {
  for (const Task& task : s_.snap().tasks.all()) {
    if (Reportable(s_, task)) Classify(task, out);
  }
  std::vector<FindingData> found;
  for (auto& [key, group] : groups_) {
    std::sort(group.tasks.begin(), group.tasks.end(),
              [](const Task* a, const Task* b) { return a->id < b->id; });
    found.push_back(Describe(std::get<0>(key), group));
    out.summary.stranded += group.tasks.size();
  }
  FindGlobalDeadlocks(s_, found);
  FindLostCancels(s_, found);
  FindLockOrders(s_, found);
  FindGrowth(s_, found);
  const auto& asked = s_.options().rules;  // advice is given only to those who ask
  if (std::find(asked.begin(), asked.end(), kContextBagText.id) != asked.end()) {
    FindContextBags(s_, found);
  }
  std::erase_if(found, [&](const FindingData& d) { return !Wanted(s_.options(), d.rule); });
  std::stable_sort(found.begin(), found.end(), [](const FindingData& a, const FindingData& b) {
    return std::make_tuple(Severity(a), -static_cast<std::int64_t>(a.task_count)) <
           std::make_tuple(Severity(b), -static_cast<std::int64_t>(b.task_count));
  });
  for (FindingData& data : found) {
    data.fingerprint = Fingerprint(data);
    out.findings.emplace_back(std::move(data));
  }
}

void AddLosses(const Dump& dump, const Snapshot& snap, std::vector<std::string>& losses) {
  const auto add = [&](std::uint64_t count, const char* what) {
    if (count > 0) losses.push_back(absl::StrCat(count, " ", what));
  };
  add(dump.damage.packets_bad, "damaged packets were skipped");
  add(dump.damage.bytes_skipped, "bytes could not be read");
  if (dump.damage.cut) losses.push_back("the dump is cut off: what came after is missing");
  add(snap.loss.tasks_unread, "tasks ran while they were to be read; nothing is said of them");
  add(snap.loss.stacks_missing, "stacks could not be read");
  add(snap.loss.events_lost, "events were overwritten");
  add(snap.loss.packets_left_out, "records were too large for the dump");
  if (!snap.loss.note.empty()) losses.emplace_back(snap.loss.note);
}

void Summarize(const Dump& dump, const Snapshot& snap, AnalysisSummary& out) {
  out.program = std::string(dump.program);
  out.reason = std::string(snap.reason);
  out.label = std::string(snap.label);
  out.contexts = snap.contexts.size();
  out.channels = snap.channels.size();
  out.quiet = !snap.worlds.all().empty();
  for (const World& world : snap.worlds.all()) {
    out.quiet &= world.quiet;
    out.deadlock |= world.deadlock;
    if (world.controlled) {
      out.world =
          absl::StrCat("controlled scheduler, seed ", world.seed, ", ", world.steps, " steps");
    }
  }
  for (const Task& task : snap.tasks.all()) {
    out.tasks += task.state != TaskState::kFinished;
    out.blocked += task.state == TaskState::kBlocked;
  }
  AddLosses(dump, snap, out.losses);
  const Damage& damage = dump.damage;
  out.partly_lost = damage.cut || damage.packets_bad > 0 || damage.bytes_skipped > 0;
}

}  // namespace

Analysis Analyze(std::shared_ptr<const Dump> dump, const AnalysisOptions& options) {
  Analysis out;
  out.dump = dump;
  static const Snapshot nothing;
  const Snapshot& snap = dump->snapshots.empty() ? nothing : dump->snapshots.back();
  Summarize(*dump, snap, out.summary);
  Analyzer(*dump, snap, options).Run(out);
  return out;
}

}  // namespace stranded
