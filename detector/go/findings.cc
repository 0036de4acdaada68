#include "detector/go/findings.h"

#include <algorithm>
#include <iterator>

#include "absl/strings/str_cat.h"
#include "detector/go/native.h"
#include "detector/go/rules.h"
#include "detector/go/trend.h"
#include "detector/rules/evidence.h"
#include "detector/rules/fingerprint.h"
#include "detector/rules/hidden.h"

namespace stranded::detector {
namespace {

constexpr std::int64_t kMinute = 60'000'000'000;
constexpr std::size_t kMostEnded = 100;  // dumps of programs that ended, before the last dump

std::string Goroutines(std::uint64_t n) {
  return n == 1 ? "1 goroutine is" : absl::StrCat(n, " goroutines are");
}

class GoAnalyzer {
 public:
  GoAnalyzer(const GoDumps& all, const GoDump& dump, const AnalysisOptions& options)
      : all_(all),
        dump_(dump),
        options_(options),
        trend_(all, dump),
        picture_(LookAtGo(all, dump_, options.most_tasks_listed)) {
    if (!dump_.has_creators) return;
    by_id_.reserve(dump_.goroutines.size());
    for (const Goroutine& g : dump_.goroutines) by_id_.emplace(g.id, &g);
  }

  void Run(Analysis& out) {
    FindLockCycles();
    for (const GoPile& pile : picture_.piles) Judge(pile, out);
    FindDeadlock(out);
    Finish(out);
  }
  void Summarize(AnalysisSummary& out) const;
  void SummarizeDeath(AnalysisSummary& out) const;

 private:
  FindingData Describe(const GoPile& pile, const std::string& rule, const std::string& verdict);
  void AddStack(const GoGroup& group, FindingData& data) const;
  void AddStep(std::uint64_t id, std::uint32_t creator, FindingData& data) const;
  void AddAncestry(const GoPile& pile, FindingData& data) const;
  void Judge(const GoPile& pile, Analysis& out);
  const GoPile& PileOf(const GoLockWaiter& w) const;
  void FindLockCycles();
  void AddLockCycle(const GoLockCycle& cycle);
  void FindDeadlock(Analysis& out);
  void Finish(Analysis& out);
  bool InCycle(const GoPile& pile) const;
  bool Wanted(const FindingData& data) const;
  bool IsLast() const { return &dump_ == &all_.dumps.back(); }

  const GoDumps& all_;
  const GoDump& dump_;
  const AnalysisOptions& options_;
  GoTrend trend_;
  GoPicture picture_;
  std::vector<FindingData> found_;
  absl::flat_hash_set<std::uint64_t> in_cycle_;
  absl::flat_hash_map<std::uint64_t, const Goroutine*> by_id_;
};

void GoAnalyzer::AddStack(const GoGroup& group, FindingData& data) const {
  for (const std::uint32_t frame : group.frames) {
    StackFrame f;
    f.function = std::string(all_.Function(frame));
    f.file = std::string(all_.File(frame));
    f.line = all_.frames[frame].line;
    f.runtime = f.function.starts_with("runtime.");
    data.stack.push_back(std::move(f));
  }
  if (group.elided > 0) data.stack_note = "the runtime left frames out";
}

void GoAnalyzer::AddStep(std::uint64_t id, std::uint32_t creator, FindingData& data) const {
  SpawnStep step;
  step.task = id;
  step.name = absl::StrCat("goroutine ", id);
  if (creator != 0) step.site = GoSite(all_, creator);
  data.ancestry.push_back(std::move(step));
}

void GoAnalyzer::AddAncestry(const GoPile& pile, FindingData& data) const {
  if (pile.creator == 0) return;
  std::uint64_t id = pile.ids.empty() ? 0 : pile.ids.front();
  std::uint32_t creator = pile.creator;
  if (const auto& told = dump_.groups[pile.groups.front()].ancestors; !told.empty()) {
    AddStep(id, creator, data);
    for (const GoAncestor& ancestor : told) AddStep(ancestor.id, ancestor.creator, data);
    return;
  }
  for (int depth = 0; depth < 64 && creator != 0; ++depth) {
    AddStep(id, creator, data);
    const auto it = by_id_.find(id);
    if (it == by_id_.end() || it->second->creator == 0) return;
    id = it->second->creator;
    const auto parent = by_id_.find(id);
    creator = parent == by_id_.end() ? 0 : dump_.groups[parent->second->group].creator;
  }
  AddStep(id, 0, data);  // main, or one that has ended
}

FindingData GoAnalyzer::Describe(const GoPile& pile, const std::string& rule,
                                 const std::string& verdict) {
  FindingData data;
  data.rule = rule;
  data.verdict = verdict;
  data.task_count = pile.count;
  data.tasks = pile.ids;
  data.wait = GoWaitName(pile.kind);
  data.wait_site = GoSite(all_, pile.site);
  if (pile.creator != 0) data.spawn_site = GoSite(all_, pile.creator);
  data.min_age_ns = pile.least_minutes * kMinute;
  data.max_age_ns = pile.most_minutes * kMinute;
  data.title = absl::StrCat(Goroutines(pile.count), " blocked ", GoWaitText(pile.kind));
  if (GoWaitText(pile.kind) == "blocked")
    data.title = absl::StrCat(Goroutines(pile.count), " blocked");
  if (!data.wait_site.function.empty()) {
    absl::StrAppend(&data.title, " in ", data.wait_site.function);
  }
  const GoGroup& exemplar = dump_.groups[pile.groups.front()];
  AddStack(exemplar, data);
  if (!data.stack.empty()) data.task_name = data.stack.back().function;
  AddAncestry(pile, data);
  if (exemplar.labels != 0) {
    data.notes.push_back(absl::StrCat("labels: ", std::string(all_.strings[exemplar.labels]),
                                      exemplar.other_labels ? ", and others" : ""));
  }
  if (std::string text = trend_.Text(all_, pile); !text.empty()) data.notes.push_back(text);
  AddGoFixes(all_, pile, data);
  return data;
}

bool GoAnalyzer::InCycle(const GoPile& pile) const {
  return !pile.ids.empty() && std::all_of(pile.ids.begin(), pile.ids.end(),
                                          [&](std::uint64_t id) { return in_cycle_.contains(id); });
}

void GoAnalyzer::Judge(const GoPile& pile, Analysis& out) {
  if (InCycle(pile)) return;
  const GoVerdict verdict = JudgeGo(all_, dump_, picture_, pile, options_);
  if (!verdict.rule.empty()) {
    FindingData data = Describe(pile, verdict.rule, verdict.verdict);
    data.notes.insert(data.notes.begin(), verdict.why);
    found_.push_back(std::move(data));
    return;
  }
  const bool counts = BlockedGo(pile.kind) && !pile.library_idle && !pile.is_main;
  const bool grows = counts && trend_.Grows(all_, pile);
  if (grows || (counts && pile.count >= options_.growth_threshold)) {
    FindingData data = Describe(pile, "growth", "predicted");
    data.wait = "growth";
    data.notes.insert(
        data.notes.begin(),
        grows ? "Each dump has more of them than the one before."
              : absl::StrCat("None of them is known to be stuck; ", options_.growth_threshold,
                             " or more at one place count as a pile."));
    found_.push_back(std::move(data));
    return;
  }
  if (verdict.look_again) out.look_again += pile.count;
}

const GoPile& GoAnalyzer::PileOf(const GoLockWaiter& w) const {
  return picture_.piles[picture_.pile_of[w.group]];
}

void GoAnalyzer::FindLockCycles() {
  const bool stopped = picture_.quiet || dump_.deadlock || dump_.bubble_deadlock || dump_.timed_out;
  for (const GoLockCycle& cycle : FindGoLockCycles(dump_, stopped)) AddLockCycle(cycle);
}

void GoAnalyzer::AddLockCycle(const GoLockCycle& cycle) {
  const std::size_t size = cycle.members.size();
  FindingData data = Describe(PileOf(*cycle.members.front()), "lock-cycle", "predicted");
  Fix fix;
  fix.kind = FixKind::kLockOrder;
  fix.site = data.wait_site;
  fix.summary = "Take the mutexes in one order everywhere, for instance by an id.";
  fix.reason = "Then no goroutine can hold what the one waits for that it waits for itself.";
  data.fixes = {std::move(fix)};
  data.tasks.clear();
  for (std::size_t i = 0; i < size; ++i) {
    const GoLockWaiter& w = *cycle.members[i];
    in_cycle_.insert(w.goroutine);
    if (i >= options_.most_tasks_listed) continue;
    data.tasks.push_back(w.goroutine);
    data.graph.push_back(absl::StrCat("goroutine ", w.goroutine, " waits for a mutex at ",
                                      GoSite(all_, PileOf(w).site).ToString(), ", which goroutine ",
                                      cycle.members[(i + size - 1) % size]->goroutine,
                                      " also uses"));
  }
  for (const GoLockWaiter* w : cycle.victims) {
    in_cycle_.insert(w->goroutine);
    if (data.tasks.size() >= options_.most_tasks_listed) continue;
    data.tasks.push_back(w->goroutine);
    data.graph.push_back(absl::StrCat("goroutine ", w->goroutine, " waits behind them at ",
                                      GoSite(all_, PileOf(*w).site).ToString()));
  }
  data.task_count = size + cycle.victims.size();
  data.title = absl::StrCat(Goroutines(data.task_count), " blocked at ", size,
                            size == 2 ? " mutexes that are likely taken in opposite order"
                                      : " mutexes that are likely held in a ring");
  data.notes.insert(data.notes.begin(),
                    "Go's dumps do not tell who holds a mutex; that each waits for a mutex the "
                    "other has in its arguments is a hint.");
  found_.push_back(std::move(data));
}

void GoAnalyzer::FindDeadlock(Analysis& out) {
  if (!dump_.deadlock && !dump_.bubble_deadlock) return;
  out.summary.deadlock = out.summary.quiet = true;
  const auto main =
      std::find_if(picture_.piles.begin(), picture_.piles.end(), [&](const GoPile& p) {
        return dump_.deadlock ? p.is_main : p.bubble != 0 && BlockedGo(p.kind);
      });
  if (main == picture_.piles.end()) return;
  const std::string why =
      dump_.deadlock ? "The runtime ended the program: all goroutines are asleep."
                     : "The runtime ended the test: what is left in its bubble is blocked.";
  FindingData data = Describe(*main, "global-deadlock", "proven");
  data.title = absl::StrCat("all goroutines are asleep: ", data.title);
  data.notes.insert(data.notes.begin(), why);
  std::erase_if(found_, [&](const FindingData& d) {
    return d.wait_site.line == data.wait_site.line && d.tasks == data.tasks;
  });
  found_.push_back(std::move(data));
}

bool GoAnalyzer::Wanted(const FindingData& d) const {
  const auto& rules = options_.rules;
  if (!rules.empty() && std::find(rules.begin(), rules.end(), d.rule) == rules.end()) return false;
  return std::none_of(options_.ignore.begin(), options_.ignore.end(), [&](const std::string& p) {
    const auto has = [&](const SourceSite& s) {
      return s.ToString().find(p) != std::string::npos || s.function.find(p) != std::string::npos;
    };
    return has(d.wait_site) || has(d.spawn_site);
  });
}

int Severity(const FindingData& d) {
  if (d.rule == "global-deadlock") return 0;
  if (d.rule == "growth") return 5;
  return d.verdict == "proven" ? 1 : 2;
}

void GoAnalyzer::Finish(Analysis& out) {
  std::erase_if(found_, [&](const FindingData& d) { return !Wanted(d); });
  std::stable_sort(found_.begin(), found_.end(), [](const FindingData& a, const FindingData& b) {
    if (Severity(a) != Severity(b)) return Severity(a) < Severity(b);
    return a.task_count > b.task_count;
  });
  absl::flat_hash_set<std::string> known;
  if (!IsLast()) {
    for (const Finding& f : out.findings) known.insert(CauseKey(f.data()));
  }
  std::vector<Finding> fresh;
  for (FindingData& data : found_) {
    if (known.contains(CauseKey(data))) continue;
    if (!IsLast()) {
      data.notes.push_back(absl::StrCat("In dump ", &dump_ - all_.dumps.data() + 1, " of the ",
                                        all_.dumps.size(), " that were read: its program ended."));
    }
    if (data.rule != "growth") out.summary.stranded += data.task_count;
    fresh.emplace_back(std::move(data));
  }
  std::move(fresh.begin(), fresh.end(), std::back_inserter(out.findings));
  NumberFingerprints(out.findings);
}

// Deadlocks and tests out of time have words of their own.
void GoAnalyzer::SummarizeDeath(AnalysisSummary& out) const {
  if (dump_.died_of == nullptr || dump_.deadlock || dump_.bubble_deadlock || dump_.timed_out)
    return;
  out.died_of = dump_.died_of;
  if (dump_.count != 1) return;
  out.losses.push_back(absl::StrCat("the log of ", dump_.died_of,
                                    " has one goroutine: Go leaves the others out unless the "
                                    "program runs with GOTRACEBACK=all"));
  out.partly_lost = true;
}

void GoAnalyzer::Summarize(AnalysisSummary& out) const {
  out.tasks += picture_.count;
  out.blocked += picture_.blocked;
  if (!IsLast()) return;
  out.quiet = picture_.quiet;
  out.program = "Go";
  out.go_form = dump_.form;
  SummarizeDeath(out);
  if (dump_.cut) {
    out.losses.push_back("the dump is cut off inside a goroutine: what came after is missing");
    out.partly_lost = true;
  }
  if (dump_.announced > dump_.count) {
    out.losses.push_back(
        absl::StrCat("the dump announces ", dump_.announced, " goroutines and has ", dump_.count));
    out.partly_lost = true;
  }
  if (all_.unknown_lines > 0) {
    out.losses.push_back(
        absl::StrCat(all_.unknown_lines, all_.unknown_lines == 1 ? " line" : " lines",
                     " in stacks not understood, the first: ", all_.unknown_examples.front()));
  }
}

void NoteUnlisted(std::uint64_t count, Analysis& out) {
  const std::size_t listed = out.dump->snapshots.back().tasks.size();
  if (listed >= count) return;
  out.summary.unlisted = count - listed;
  out.summary.losses.push_back(absl::StrCat("all ", count, " goroutines are counted, but only ",
                                            listed, " are listed by tasks, tree and show"));
}

}  // namespace

Analysis AnalyzeGoModel(std::shared_ptr<const GoDumps> all, const AnalysisOptions& options) {
  Analysis out;
  const auto analyze = [&](const GoDump& dump) {
    GoAnalyzer analyzer(*all, dump, options);
    analyzer.Summarize(out.summary);
    analyzer.Run(out);
  };
  analyze(all->dumps.back());
  // Where a program ended, the dumps after it are of others.
  std::size_t left = kMostEnded;
  for (const GoDump& dump : all->dumps) {
    const bool ended = dump.deadlock || dump.bubble_deadlock || dump.timed_out;
    if (ended && &dump != &all->dumps.back() && left-- > 0) analyze(dump);
    if (left == 0) break;
  }
  if (CountsHidden(options)) NoteHidden(AnalyzeGoModel(all, WithoutFilters(options)), out);
  out.dump = NativeFromGo(all, all->dumps.size() - 1);
  NoteUnlisted(all->dumps.back().count, out);
  return out;
}

}  // namespace stranded::detector
