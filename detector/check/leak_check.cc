#include "stranded/leak_check.h"

#include <cstdio>
#include <cstdlib>

#include "stranded/dump_reader.h"
#include "stranded/internal/check_support.h"
#include "stranded/internal/recorder_hooks.h"
#include "stranded/options.h"
#include "stranded/report.h"
#include "stranded/time.h"

extern "C" {
// Named in the link of every program that uses the detector, so that this file is part of it.
extern const bool stranded_report_printer;
}

namespace stranded {
namespace {

AnalysisOptions ForAnalysis(const LeakCheckOptions& options) {
  AnalysisOptions analysis;
  analysis.ignore = options.ignore;
  analysis.rules = options.rules;
  analysis.source_root = options.source_root;
  return analysis;
}

// The one path: a snapshot in dump form, read back.
LeakReport Examine(const DumpOptions& capture, const AnalysisOptions& options) {
  auto dump = detector::ReadDump(CaptureDump(capture), "this process");
  if (!dump.ok()) {
    std::fprintf(stderr, "stranded: the snapshot cannot be read: %s\n",
                 std::string(dump.status().message()).c_str());
    std::abort();  // our own writer and reader disagree
  }
  return LeakReport(Analyze(*std::move(dump), options));
}

// What SIGQUIT prints in a program that links the detector.
std::string PrintForSignal(const std::string& bytes) {
  auto dump = detector::ReadDump(bytes, "this process");
  if (!dump.ok()) return "stranded: " + std::string(dump.status().message()) + "\n";
  // Whoever asks wants to see what goes on, not only what is wrong.
  const Analysis analysis = Analyze(*std::move(dump));
  return TextReport(analysis) + "\n" + TreeReport(analysis);
}
absl::Duration GraceOf(const LeakCheckOptions& options) {
  return internal::InControlledWorld() ? options.virtual_grace : options.grace;
}

}  // namespace

std::string LeakReport::ToText() const { return TextReport(analysis_); }

LeakReport FindLeaks(const LeakCheckOptions& options) {
  internal::WaitUntilQuiet(nullptr, GraceOf(options));
  DumpOptions capture;
  capture.reason = "check";
  capture.label = options.label;
  return Examine(capture, ForAnalysis(options));
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

LeakScope::LeakScope(std::string name, std::source_location loc)
    : scope_(internal::BeginScope(name, loc)),
      begun_ns_(absl::ToUnixNanos(Now())),
      first_task_(internal::NextTaskId()) {}

LeakScope::~LeakScope() { internal::EndScope(scope_); }

LeakReport LeakScope::Check(const LeakCheckOptions& options) {
  if (internal::ScopeLive(scope_) > 0) internal::WaitUntilQuiet(scope_, GraceOf(options));
  // A trace may show more than what is left.
  const bool traced = GetOptions().record == "trace";
  if (internal::ScopeLive(scope_) == 0 && internal::LostCancels() == 0 && !traced) {
    return LeakReport();
  }
  internal::MarkScopeEnded(scope_);
  const bool controlled = internal::InControlledWorld();
  const bool alone = !controlled || !internal::TasksInPools(scope_, options.grace);
  // What the pools did may let others go on.
  if (!alone) internal::WaitUntilQuiet(scope_, GraceOf(options));
  DumpOptions capture;
  capture.reason = "check";
  capture.label = options.label;
  capture.world = controlled ? internal::CurrentWorldId() : 0;
  capture.pools = !alone;
  AnalysisOptions analysis = ForAnalysis(options);
  analysis.scope = internal::ScopeId(scope_);
  analysis.contexts_since_ns = begun_ns_;
  analysis.tasks_since = first_task_;
  return Examine(capture, analysis);
}

}  // namespace stranded

extern "C" {
const bool stranded_report_printer = [] {
  stranded::internal::SetReportPrinter(&stranded::PrintForSignal);
  return true;
}();
}
