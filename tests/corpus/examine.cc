#include "tests/corpus/examine.h"

#include <algorithm>
#include <chrono>
#include <set>

#include "detector/model/snapshot.h"

namespace stranded::corpus {
namespace {

constexpr int kBaseSeeds = 20, kMostSchedules = 100, kTwinSchedules = 1000, kVerify = 1000;
constexpr int kMostExhaustive = 20000;
// Bodies of a thousand tasks get a tenth of the schedules.
constexpr std::size_t kManyTasks = 150;
constexpr int kSlowFactor = 10;

ExploreOptions OptionsFor(const Kernel& kernel, const std::string& policy, std::uint64_t seed,
                          int schedules) {
  ExploreOptions options;
  options.name = kernel.name;
  options.policy = policy;
  options.seed = seed;
  options.schedules = schedules;
  return options;
}

std::string KindOf(const detector::Task& task) {
  using detector::WaitKind;
  std::string kind;
  switch (task.wait) {
    case WaitKind::kChanSend: kind = "chan_send"; break;
    case WaitKind::kChanRecv: kind = "chan_recv"; break;
    case WaitKind::kChanSendNil: kind = "nil_chan_send"; break;
    case WaitKind::kChanRecvNil: kind = "nil_chan_recv"; break;
    case WaitKind::kSelect: kind = "select"; break;
    case WaitKind::kSelectEmpty: kind = "select_empty"; break;
    case WaitKind::kMutexLock: kind = "mutex_lock"; break;
    case WaitKind::kRwMutexRLock: kind = "rwmutex_rlock"; break;
    case WaitKind::kRwMutexLock: kind = "rwmutex_lock"; break;
    case WaitKind::kWaitGroupWait: kind = "wg_wait"; break;
    case WaitKind::kCondWait: kind = "cond_wait"; break;
    default: kind = "other"; break;
  }
  return task.is_main ? "main:" + kind : kind;
}

BlockedSet BlockedIn(const LeakReport& report) {
  BlockedSet set;
  if (report.analysis().dump == nullptr) return set;
  const detector::Snapshot& snap = report.analysis().dump->snapshots.back();
  std::set<std::uint64_t> counted;
  for (const Finding& finding : report.findings()) {
    const FindingData& data = finding.data();
    std::string kind;
    for (const std::uint64_t id : data.tasks) {
      const detector::Task* task = snap.tasks.Find(id);
      if (task == nullptr || data.rule == "lost-cancel") continue;
      kind = KindOf(*task);
      if (data.rule == "outlived-scope") kind = "alive:" + kind;
      if (counted.insert(id).second) ++set[kind];
    }
    // A finding lists its first hundred tasks.
    if (data.task_count > data.tasks.size() && data.rule != "lost-cancel") {
      set[kind] += static_cast<int>(data.task_count - data.tasks.size());
    }
  }
  return set;
}

int Median(std::vector<int> found) {
  if (found.empty()) return 0;
  std::sort(found.begin(), found.end());
  return found[found.size() / 2];
}

// Schedules to the first detection from each base seed; a miss counts as none.
std::vector<int> Detections(const Kernel& kernel, const std::string& policy) {
  std::vector<int> found;
  for (int i = 0; i < kBaseSeeds; ++i) {
    ExploreOptions options =
        OptionsFor(kernel, policy, 1 + 1000 * static_cast<std::uint64_t>(i), kMostSchedules);
    options.stop_at_first = true;
    options.minimize = false;
    const ExploreResult result = Explore(options, kernel.leaky);
    if (!result.clean()) found.push_back(result.bad()->first);
  }
  return found;
}

std::string KindInTable(FixKind kind) {
  switch (kind) {
    case FixKind::kRaiseCapacity: return "raise_buffer";
    case FixKind::kAddContextCase: return "add_select_done";
    case FixKind::kCloseChannel: return "close_channel";
    case FixKind::kCallCancel: return "call_cancel";
    case FixKind::kAddDone: return "add_done_wg";
    case FixKind::kUnlock:
    case FixKind::kReleaseBeforeWait: return "move_unlock";
    default: return std::string(FixKindName(kind));
  }
}

bool AtMark(const Fix& fix, const std::vector<Mark>& marks) {
  return std::any_of(marks.begin(), marks.end(), [&](const Mark& mark) {
    const bool same_file = mark.file.size() >= fix.site.file.size() &&
                           mark.file.ends_with(fix.site.file.substr(fix.site.file.rfind('/') + 1));
    return same_file && static_cast<std::uint32_t>(mark.line) == fix.site.line;
  });
}

// The outcome whose blocked set is documented, else the first bad one.
const ExploreOutcome* Documented(const ExploreResult& result, const Facts& facts) {
  for (const ExploreOutcome& o : result.outcomes) {
    if (!o.report.clean() && facts.Matches(BlockedIn(o.report))) return &o;
  }
  return result.bad();
}

void NoteCause(const ExploreOutcome& bad, Measured& m) {
  m.blocked = BlockedIn(bad.report);
  for (const Finding& f : bad.report.findings()) {
    if (f.rule() == "global-deadlock" && bad.report.findings().size() > 1) continue;
    m.rule = f.rule();
    m.verdict = f.verdict();
    m.cause = f.title();
    return;
  }
}

void SearchForFix(const Kernel& kernel, const std::vector<Mark>& marks, int factor, Measured& m) {
  ExploreOptions options = OptionsFor(kernel, "pct", 1, 200 / factor);
  m.fixes = FixBody(options, kVerify / factor, kernel.leaky);
  m.verified = m.fixes.verified;
  if (!m.verified) return;
  const Fix& top = m.fixes.chosen.front();
  m.top_kind = KindInTable(top.kind);
  m.top_capacity = static_cast<int>(top.capacity);
  m.top_at_mark = AtMark(top, marks);
}

void CheckTwin(const Kernel& kernel, void (*body)(), Measured& m) {
  for (const char* policy : {"pct", "random"}) {
    ExploreOptions options = OptionsFor(kernel, policy, 1, kTwinSchedules / 2);
    options.minimize = false;
    const ExploreResult result = Explore(options, body);
    for (const ExploreOutcome& o : result.outcomes) {
      if (!o.bad()) continue;
      m.twin_findings += o.count;
      if (m.twin_report.empty()) m.twin_report = result.ToText();
    }
  }
}

bool IsProvable(const std::string& kind) {
  return kind == "raise_buffer" || kind == "add_select_done" || kind == "close_channel" ||
         kind == "call_cancel";
}

void Judge(const Facts& facts, const std::vector<Mark>& marks, Measured& m) {
  const auto fail = [&](bool ok, const std::string& what) {
    if (!ok) m.failures.push_back(what);
  };
  fail(m.twin_findings == 0, "the fixed twin has findings");
  if (facts.silent) return;
  fail(m.missed == 0, "missed from " + std::to_string(m.missed) + " of 20 base seeds");
  fail(m.exhaustive > 0, "not found by exhaustive search");
  fail(m.set_matches, "blocked set " + Text(m.blocked) + " is not documented");
  if (!IsProvable(facts.fix_kind)) return;
  // Where only the kernel's end bounds the sends, a buffer must not be called right.
  const bool finite = facts.name == "grpc1353";
  if (finite) {
    fail(m.top_kind != "raise_buffer", "a buffer is called right though only the kernel is finite");
    return;
  }
  fail(m.top_kind == facts.fix_kind, "best fix is '" + m.top_kind + "', not " + facts.fix_kind);
  if (m.top_kind != facts.fix_kind) return;
  fail(m.top_at_mark, "the fix is not at the marked line");
  for (const Mark& mark : marks) {
    if (mark.kind == "raise_buffer" && mark.capacity > 0) {
      fail(m.top_capacity == mark.capacity, "capacity " + std::to_string(m.top_capacity));
    }
  }
}

}  // namespace

Measured Examine(const Kernel& kernel, const Facts& facts, const std::vector<Mark>& marks) {
  Measured m;
  const auto begun = std::chrono::steady_clock::now();
  if (facts.silent) {
    CheckTwin(kernel, kernel.leaky, m);
  } else {
    const std::vector<int> pct = Detections(kernel, "pct"), random = Detections(kernel, "random");
    m.missed = kBaseSeeds - static_cast<int>(pct.size());
    m.pct = Median(pct);
    m.random = Median(random);
    m.pct_worst = pct.empty() ? 0 : *std::max_element(pct.begin(), pct.end());
    m.random_worst = random.empty() ? 0 : *std::max_element(random.begin(), random.end());
    ExploreOptions options = OptionsFor(kernel, "exhaustive", 1, kMostExhaustive);
    options.stop_at_first = true;
    options.minimize = false;
    const ExploreResult exhaustive = Explore(options, kernel.leaky);
    m.exhaustive = exhaustive.clean() ? 0 : exhaustive.bad()->first;
    const bool slow =
        !exhaustive.clean() && exhaustive.bad()->report.analysis().summary.tasks > kManyTasks;
    const int factor = slow ? kSlowFactor : 1;
    const ExploreResult all = Explore(OptionsFor(kernel, "pct", 1, 300 / factor), kernel.leaky);
    if (const ExploreOutcome* bad = Documented(all, facts)) {
      NoteCause(*bad, m);
      m.set_matches = facts.Matches(m.blocked);
    }
    SearchForFix(kernel, marks, factor, m);
    if (kernel.fixed != nullptr) CheckTwin(kernel, kernel.fixed, m);
  }
  Judge(facts, marks, m);
  m.seconds = absl::ToDoubleSeconds(absl::FromChrono(std::chrono::steady_clock::now() - begun));
  return m;
}

}  // namespace stranded::corpus
