// Tasks with one cause become one finding with its evidence.
#include "stranded/analysis.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "detector/fixes/fixes.h"
#include "detector/report/symbolizer.h"
#include "detector/rules/classify.h"
#include "detector/rules/evidence.h"
#include "detector/rules/fingerprint.h"
#include "detector/rules/hidden.h"
#include "detector/rules/rule.h"
#include "detector/rules/wait_chain.h"
#include "detector/rules/world_rules.h"
#include "stranded/dump_format.h"
#include "stranded/errors.h"

namespace stranded {

using namespace detector;  // NOLINT(build/namespaces): the implementation of the public function

namespace {

bool Wanted(const AnalysisOptions& options, std::string_view rule) {
  return options.rules.empty() ||
         std::find(options.rules.begin(), options.rules.end(), rule) != options.rules.end();
}

class Analyzer {
 public:
  Analyzer(const Dump& dump, const Snapshot& snap, const AnalysisOptions& options)
      : s_(dump, snap, options), symbolizer_(dump) {}

  void Run(Analysis& out);

 private:
  FindingData Describe(const FoundGroup& found);
  void AddStack(const FoundGroup& found, FindingData& data);

  Situation s_;
  Symbolizer symbolizer_;
};

std::string Who(const Situation& s, const FoundGroup& found) {
  const Task& task = *found.group.tasks.front();
  if (found.group.count == 1) return absl::StrCat(TaskText(s, task.id), " is");
  std::string who = absl::StrCat(found.group.count, " tasks");
  if (found.one_name && !task.name.empty()) {
    absl::StrAppend(&who, " \"", std::string(task.name), "\"");
  }
  return absl::StrCat(who, " are");
}

// The ids that are listed: the exemplar's first, then by size.
std::vector<std::uint64_t> FirstOf(const Situation& s, const Group& group) {
  const std::size_t most = s.options().most_tasks_listed;
  std::vector<std::uint64_t> ids;
  for (const Task* t : group.tasks) {
    if (group.count == group.tasks.size() && ids.size() == most) break;
    if (t->crowd == 0) {
      ids.push_back(t->id);
    } else {
      const std::vector<Id>& crowd = s.snap().crowds[t->crowd - 1].ids;
      ids.insert(ids.end(), crowd.begin(), crowd.end());
    }
  }
  if (group.count != group.tasks.size() && !ids.empty()) std::sort(ids.begin() + 1, ids.end());
  if (ids.size() > most) ids.resize(most);
  return ids;
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

void Analyzer::AddStack(const FoundGroup& found, FindingData& data) {
  const Task* with_stack = found.with_stack == nullptr ? found.group.exemplar : found.with_stack;
  if (const auto note = s_.snap().stack_notes.find(with_stack->id);
      note != s_.snap().stack_notes.end()) {
    data.stack_note = std::string(note->second);
  }
  if (!s_.options().symbolize) return;
  for (std::uint32_t i = 0; i < with_stack->frame_count; ++i) {
    symbolizer_.AddFrames(s_.snap().frames[with_stack->first_frame + i], data.stack);
  }
}

FindingData Analyzer::Describe(const FoundGroup& found) {
  const Group& group = found.group;
  const Rule& rule = *TaskRules()[found.key.rule];
  const Task& task = *group.exemplar;
  FindingData data;
  data.rule = rule.text.id;
  data.verdict = std::string(group.verdict);
  data.task_count = group.count;
  data.tasks = FirstOf(s_, group);
  data.task_name = std::string(task.name);
  data.wait = WaitName(task.wait);
  data.wait_site = SiteText(s_, task.wait_site != 0 ? task.wait_site : task.last_site);
  if (const SpawnNode* spawn = s_.snap().spawns.Find(task.spawn)) {
    data.spawn_site = SiteText(s_, spawn->site);
  }
  if (const Context* ended = s_.EndedContext(task)) data.context_site = SiteText(s_, ended->site);
  if (const Sync* sync = s_.snap().syncs.Find(task.sync)) data.sync_site = SiteText(s_, sync->site);
  data.min_age_ns = found.min_age_ns;
  data.max_age_ns = found.max_age_ns;
  if (const Channel* channel = s_.ChannelOf(task)) {
    data.has_channel = true;
    data.channel = DescribeChannel(s_, *channel);
    data.peer = DescribePeer(s_, task, *channel);
    data.channel.instances = found.channels.size() + found.channels_merged;
  }
  data.contexts = DescribeContexts(s_, task);
  data.ancestry = DescribeAncestry(s_, task);
  data.title = rule.sentence(s_, group, Who(s_, found), group.count > 1);
  AddStack(found, data);
  rule.explain(s_, group, data);
  if (data.graph.empty()) data.graph = WaitChain(s_, task);
  const bool waits = s_.Blocked(task) && data.verdict == "outlived";
  if (std::string due = waits ? FunctionsText(s_, task) : std::string(); !due.empty()) {
    data.notes.push_back(std::move(due));
  }
  if (waits && s_.ProgramOver() && !s_.ScopeEnded(task)) {
    data.notes.push_back(
        "Main had returned, and nothing was still at work but daemons and threads that are no "
        "tasks; none of them is known to have served it.");
  }
  if (const std::uint32_t threads = s_.ThreadsBeside(task);
      threads > 0 && data.verdict != "proven") {
    data.notes.push_back(ThreadsText(threads));
  }
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
  Classifier classifier(s_);
  classifier.Run();
  out.look_again = classifier.look_again();
  out.summary.expected = classifier.expected();
  std::vector<FindingData> found;
  for (const FoundGroup& group : classifier.groups()) {
    found.push_back(Describe(group));
    if (Wanted(s_.options(), found.back().rule)) out.summary.stranded += group.group.count;
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
  // Worst first. A finding is large to be moved about.
  std::vector<std::pair<std::pair<int, std::int64_t>, FindingData*>> order;
  order.reserve(found.size());
  for (FindingData& data : found) {
    order.push_back({{Severity(data), -static_cast<std::int64_t>(data.task_count)}, &data});
  }
  std::stable_sort(order.begin(), order.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  out.findings.reserve(order.size());
  for (const auto& [key, data] : order) {
    DropLibraryPlaces(*data);
    NoteMakers(*data);
    out.findings.emplace_back(std::move(*data));
  }
  NumberFingerprints(out.findings);
}

void AddLosses(const Dump& dump, const Snapshot& snap, std::vector<std::string>& losses) {
  const auto add = [&](std::uint64_t count, const char* one, const char* many) {
    if (count > 0) losses.push_back(absl::StrCat(count, " ", count == 1 ? one : many));
  };
  add(dump.damage.packets_bad, "damaged packet was skipped", "damaged packets were skipped");
  add(dump.damage.bytes_skipped, "byte could not be read", "bytes could not be read");
  if (dump.damage.cut) losses.push_back("the dump is cut off: what came after is missing");
  add(snap.loss.tasks_unread, "task ran while it was to be read; nothing is said of it",
      "tasks ran while they were to be read; nothing is said of them");
  add(snap.loss.stacks_missing, "stack could not be read", "stacks could not be read");
  add(snap.loss.events_lost, "record of an event was overwritten",
      "records of events were overwritten");
  add(snap.loss.packets_left_out, "record was too large for the dump",
      "records were too large for the dump");
  if (!snap.loss.note.empty()) losses.emplace_back(snap.loss.note);
  if (dump.version_minor > stranded::dump::kVersionMinor) {
    losses.push_back(absl::StrCat("the dump has format version ", dump.version_major, ".",
                                  dump.version_minor, ": of what came behind version ",
                                  stranded::dump::kVersionMajor, ".", stranded::dump::kVersionMinor,
                                  " this program reads nothing"));
  }
}

// Where a snapshot comes from that is no dump: detector/input/mapped_file.h.
const char* Origin(std::string_view reason) {
  if (reason == "live") return "read from its trace file while the program runs";
  if (reason == "killed") return "recovered from the trace file of a process that was killed";
  if (reason == "ended") return "recovered from the trace file of a process that has ended";
  return "";
}

void Summarize(const Dump& dump, const Snapshot& snap, AnalysisSummary& out) {
  out.program = std::string(dump.program);
  out.reason = std::string(snap.reason);
  constexpr std::string_view kFatal = "fatal ";
  if (snap.reason.starts_with(kFatal)) out.died_of = out.reason.substr(kFatal.size());
  out.label = std::string(snap.label);
  out.contexts = snap.contexts.size() + snap.contexts_merged;
  out.channels = snap.channels.size() + snap.channels_merged;
  out.quiet = !snap.worlds.all().empty();
  for (const World& world : snap.worlds.all()) {
    out.quiet &= world.quiet;
    out.deadlock |= world.deadlock;
    if (world.controlled) {
      out.world = absl::StrCat("controlled scheduler, seed ", world.seed, ", ", world.steps,
                               world.steps == 1 ? " step" : " steps");
    }
  }
  if (out.world.empty()) out.world = Origin(snap.reason);
  for (const Task& task : snap.tasks.all()) {
    if (task.state != TaskState::kFinished) out.tasks += snap.CountOf(task);
    if (task.state == TaskState::kBlocked) out.blocked += snap.CountOf(task);
  }
  AddLosses(dump, snap, out.losses);
  const Damage& damage = dump.damage;
  out.partly_lost = damage.cut || damage.packets_bad > 0 || damage.bytes_skipped > 0;
}

}  // namespace

Analysis Analyze(std::shared_ptr<const Dump> dump, const AnalysisOptions& options) {
  if (const auto& merged = dump->merged;
      merged.has_value() && (merged->min_age != options.min_age ||
                             merged->most_tasks_listed != options.most_tasks_listed)) {
    throw MisuseError(
        "Analyze: the dump was read with ReadOptions::merge of another min_age or "
        "most_tasks_listed; read it again with those of the AnalysisOptions, or without");
  }
  Analysis out;
  out.dump = dump;
  static const Snapshot nothing;
  const Snapshot& snap = dump->snapshots.empty() ? nothing : dump->snapshots.back();
  Summarize(*dump, snap, out.summary);
  Analyzer(*dump, snap, options).Run(out);
  if (CountsHidden(options)) NoteHidden(Analyze(dump, WithoutFilters(options)), out);
  return out;
}

}  // namespace stranded
