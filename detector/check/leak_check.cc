#include "stranded/leak_check.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <mutex>
#include <string>
#include <utility>

#include "detector/report/source_root.h"
#include "detector/rules/fingerprint.h"
#include "detector/rules/rule.h"
#include "stranded/dump_reader.h"
#include "stranded/errors.h"
#include "stranded/internal/check_support.h"
#include "stranded/internal/explore_support.h"
#include "stranded/internal/recorder_hooks.h"
#include "stranded/options.h"
#include "stranded/paths.h"
#include "stranded/report.h"

extern "C" {
// Named in the link of every program that uses the detector, so that this file is part of it.
extern const bool stranded_report_printer;
}

namespace stranded {
namespace {

constexpr char kLostCancel[] = "lost-cancel";

// A misspelt rule would find nothing, ever, and an empty text is in every site.
void RejectBlindOptions(const LeakCheckOptions& options) {
  if (std::find(options.ignore.begin(), options.ignore.end(), "") != options.ignore.end()) {
    throw MisuseError("LeakCheckOptions::ignore: an empty text would ignore every task");
  }
  const absl::Status known = detector::KnownRules(options.rules);
  if (!known.ok()) throw MisuseError("LeakCheckOptions::rules: " + std::string(known.message()));
}

AnalysisOptions ForAnalysis(const LeakCheckOptions& options) {
  AnalysisOptions analysis;
  analysis.ignore = options.ignore;
  analysis.rules = options.rules;
  analysis.caller_goes_on = options.caller_goes_on;
  analysis.source_root = options.source_root;
  return analysis;
}

// Neither is it on this machine, nor was the program built there.
void SayNoSuchRoot(const std::string& root) {
  static std::once_flag once;
  std::call_once(once, [&] {
    std::fprintf(stderr, "stranded: source_root: there is no folder '%s', and no source below it\n",
                 root.c_str());
  });
}

// As the command line shows paths: below the sources' root, or by their last part only.
absl::StatusOr<Analysis> AnalyzeOwn(std::string bytes, AnalysisOptions options) {
  detector::ReadOptions read;
  read.merge = detector::MergeAlike{options.min_age, options.most_tasks_listed};
  auto dump = detector::ReadDump(std::move(bytes), "this process", read);
  if (!dump.ok()) return dump.status();
  const std::vector<std::string> files = detector::FilesOf(**dump);
  options.source_root = detector::SourceRoot(files, options.source_root);
  const std::string prefix = detector::SourcePrefix(files, options.source_root);
  if (prefix.empty() && options.source_root != ".") SayNoSuchRoot(options.source_root);
  // Nobody else has this dump yet.
  for (auto& [id, site] : const_cast<detector::Dump&>(**dump).sites) {
    site.file = BelowPrefix(site.file, prefix);
  }
  Analysis analysis = Analyze(*std::move(dump), options);
  if (options.source_root != ".") {
    analysis.summary.source_root = std::filesystem::absolute(options.source_root).string();
  }
  DropMachinePaths(analysis, prefix);
  return analysis;
}

// The one path: a snapshot in dump form, read back.
LeakReport Examine(const DumpOptions& capture, const AnalysisOptions& options) {
  auto analysis = AnalyzeOwn(CaptureDump(capture), options);
  if (!analysis.ok()) {
    std::fprintf(stderr, "stranded: the snapshot cannot be read: %s\n",
                 std::string(analysis.status().message()).c_str());
    std::abort();  // our own writer and reader disagree
  }
  return LeakReport(*std::move(analysis));
}

// What SIGQUIT prints in a program that links the detector.
std::string PrintForSignal(const std::string& bytes) {
  const auto analysis = AnalyzeOwn(bytes, AnalysisOptions());
  if (!analysis.ok()) return "stranded: " + std::string(analysis.status().message()) + "\n";
  // Whoever asks wants to see what goes on, not only what is wrong.
  return TextReport(*analysis) + "\n" + TreeReport(*analysis);
}

// For the text of an exception that each of many schedules may throw.
std::string NameOnce(const char* file) {
  static auto& mutex = *new std::mutex;
  static auto& names = *new std::map<std::string, std::string>;
  const std::lock_guard<std::mutex> lock(mutex);
  const auto [name, fresh] = names.try_emplace(file);
  if (fresh) name->second = detector::ShortFile(file);
  return name->second;
}

// Before a check waits: a timeout may end such a context meanwhile. Not under a virtual patch: what
// stands for a call of the cancel function comes when nothing else can run.
bool LooksForLostCancels(const LeakCheckOptions& options) {
  if (internal::LostCancels() == 0 || internal::AnyPatches()) return false;
  const auto& rules = options.rules;
  return rules.empty() || std::find(rules.begin(), rules.end(), kLostCancel) != rules.end();
}

LeakCheckOptions OnlyLostCancels(LeakCheckOptions options) {
  options.rules = {kLostCancel};
  return options;
}

absl::Duration GraceOf(const LeakCheckOptions& options) {
  return internal::InControlledWorld() ? options.virtual_grace : options.grace;
}

}  // namespace

void LeakReport::Add(const LeakReport& earlier) {
  if (analysis_.dump == nullptr) {
    *this = earlier;
    return;
  }
  for (const Finding& finding : earlier.findings()) {
    const bool known =
        std::any_of(analysis_.findings.begin(), analysis_.findings.end(), [&](const Finding& f) {
          return detector::CauseKey(f.data()) == detector::CauseKey(finding.data());
        });
    if (!known) analysis_.findings.push_back(finding);
  }
  detector::NumberFingerprints(analysis_.findings);
}

std::string LeakReport::ToText() const { return TextReport(analysis_); }

LeakReport FindLeaks(const LeakCheckOptions& options) {
  RejectBlindOptions(options);
  DumpOptions capture;
  capture.reason = "check";
  capture.label = options.label;
  LeakReport lost;
  if (LooksForLostCancels(options)) lost = Examine(capture, ForAnalysis(OnlyLostCancels(options)));
  internal::WaitUntilQuiet(nullptr, GraceOf(options));
  LeakReport report = Examine(capture, ForAnalysis(options));
  report.Add(lost);
  return report;
}

LeakReport ExamineDeadEnd(const LeakCheckOptions& options) {
  DumpOptions capture;
  capture.reason = "deadlock";
  capture.label = options.label;
  capture.world = internal::InControlledWorld() ? internal::CurrentWorldId() : 0;
  AnalysisOptions analysis = ForAnalysis(options);
  analysis.scope = internal::CurrentScopeId();
  return Examine(capture, analysis);
}

LeakScope::LeakScope(std::string_view name, std::source_location loc)
    : scope_(internal::BeginScope(name, loc)),
      begun_ns_(internal::NowNs()),
      first_task_(internal::NextTaskId()) {}

LeakScope::~LeakScope() { internal::EndScope(scope_); }

LeakReport LeakScope::ExamineScope(const LeakCheckOptions& options, bool pools) {
  DumpOptions capture;
  capture.reason = "check";
  capture.label = options.label;
  capture.world = internal::InControlledWorld() ? internal::CurrentWorldId() : 0;
  capture.pools = pools;
  AnalysisOptions analysis = ForAnalysis(options);
  analysis.scope = internal::ScopeId(scope_);
  analysis.contexts_since_ns = begun_ns_;
  analysis.tasks_since = first_task_;
  return Examine(capture, analysis);
}

LeakReport LeakScope::CheckLostCancels(const LeakCheckOptions& options) {
  if (!LooksForLostCancels(options)) return LeakReport();
  return ExamineScope(OnlyLostCancels(options), false);
}

bool LeakScope::NothingLeft() const {
  // A trace may show more than what is left.
  return internal::ScopeLive(scope_) == 0 && internal::LostCancels() == 0 &&
         GetOptions().record != "trace" && !internal::TimersAhead();
}

LeakReport LeakScope::Check(const LeakCheckOptions& options) {
  RejectBlindOptions(options);
  if (NothingLeft()) return LeakReport();
  LeakReport lost = CheckLostCancels(options);
  // A timer may start a task that stays.
  if (internal::ScopeLive(scope_) > 0 || internal::TimersAhead()) {
    internal::WaitUntilQuiet(scope_, GraceOf(options));
  }
  const bool traced = GetOptions().record == "trace";
  if (internal::ScopeLive(scope_) == 0 && internal::LostCancels() == 0 && !traced) return lost;
  internal::MarkScopeEnded(scope_);
  bool waited = false;
  const bool pools =
      internal::InControlledWorld() && internal::TasksInPools(scope_, options.grace, &waited);
  // What the pools did may let others go on.
  if (pools || waited) internal::WaitUntilQuiet(scope_, GraceOf(options));
  LeakReport report = ExamineScope(options, pools);
  if (options.caller_goes_on) internal::MarkScopeEnded(scope_, false);
  report.Add(lost);
  return report;
}

DumpOptions LeakScope::DumpOf(std::string reason) const {
  DumpOptions options;
  options.reason = std::move(reason);
  options.focus = internal::ScopeId(scope_);
  options.focus_since_task = first_task_;
  options.focus_since_ns = begun_ns_;
  return options;
}

void LeakScope::ExpectWhatIsLeft() { internal::MarkScopeExpected(scope_); }

}  // namespace stranded

extern "C" {
const bool stranded_report_printer = [] {
  stranded::internal::SetReportPrinter(&stranded::PrintForSignal);
  stranded::internal::SetFileNamer(&stranded::NameOnce);
  return true;
}();
}
