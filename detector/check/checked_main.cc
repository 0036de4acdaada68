// A program's main() with a leak check around it.
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <string>

#include "detector/explore/result_file.h"
#include "detector/report/source_root.h"
#include "stranded/errors.h"
#include "stranded/explore.h"
#include "stranded/internal/check_support.h"
#include "stranded/internal/explore_support.h"
#include "stranded/internal/output_file.h"
#include "stranded/internal/recorder_hooks.h"
#include "stranded/leak_check.h"
#include "stranded/options.h"

namespace stranded {
namespace {

// True if `stranded run` reports on the dump. Not for those that its child starts: they write over
// each other's.
bool RunReports() { return GetOptions().run_child == getpid() && !GetOptions().dump.empty(); }

// A dead end is reported while everything is still parked; then main gets an exception.
std::string& DeadEndText() {
  static auto& text = *new std::string;
  return text;
}

constexpr char kReason[] = "check";

DumpOptions OfAll() {
  DumpOptions options;
  options.reason = kReason;
  return options;
}

// True if there is a dump: `before`, or one of what is there now. If it is `final`, no other one is
// written at the program's end.
bool KeepDump(const DumpOptions& options, bool final = true, const std::string& before = "") {
  const std::string& path = GetOptions().dump;
  if (path.empty()) return false;
  const absl::Status written =
      before.empty() ? WriteDump(path, options) : internal::WriteFile(path, before);
  if (!written.ok()) {
    std::fprintf(stderr, "stranded: %s\n", std::string(written.message()).c_str());
  }
  if (final) internal::DumpIsWritten();
  return written.ok();
}

// On its way out the exception may meet a std::thread, whose destructor ends the program.
std::terminate_handler terminate_before = nullptr;
void TellBeforeTheEnd() {
  std::fputs(DeadEndText().c_str(), stderr);
  if (terminate_before != nullptr) terminate_before();
  std::abort();
}

void ReportDeadEnd(std::uint64_t) {
  DeadEndText() = ExamineDeadEnd().ToText();
  if (terminate_before == nullptr) terminate_before = std::set_terminate(&TellBeforeTheEnd);
  DumpOptions options = OfAll();
  options.focus = internal::CurrentScopeId();
  if (KeepDump(options) && RunReports()) DeadEndText().clear();
}

std::size_t LostCancels(const LeakReport& report) {
  return static_cast<std::size_t>(std::ranges::count_if(
      report.findings(), [](const Finding& f) { return f.rule() == "lost-cancel"; }));
}

// A context whose cancel function is lost may have ended meanwhile, by a timeout or with the last
// of its tasks: then a dump of what is there now is silent.
bool DumpTellsAll(const LeakReport& report, LeakScope& scope) {
  const std::size_t lost = LostCancels(report);
  return lost == 0 || LostCancels(scope.CheckLostCancels()) >= lost;
}

// True if it left nothing behind.
bool RunOnce(const std::function<void()>& body, bool print) {
  DeadEndText().clear();
  bool dead = false;
  {
    LeakScope scope("main");
    try {
      body();
    } catch (const GlobalDeadlockError&) {
      dead = true;
    }
    if (dead) {
      if (print) std::fputs(DeadEndText().c_str(), stderr);
      DeadEndText().clear();
      return false;
    }
    const bool keeps = !GetOptions().dump.empty() && !scope.CheckLostCancels().clean();
    std::string before = keeps ? CaptureDump(scope.DumpOf(kReason)) : "";
    const LeakReport report = scope.Check();
    // What else is left is told by a dump of now only.
    const bool all_told = DumpTellsAll(report, scope);
    if (all_told || LostCancels(report) < report.findings().size()) before.clear();
    // Tasks beside the body may end with the program: where it left nothing, the dump of that
    // moment says more. A controlled world is gone by then.
    const bool final = !report.clean() || internal::InControlledWorld();
    const bool kept = (print || !report.clean()) && KeepDump(scope.DumpOf(kReason), final, before);
    const bool told = kept && RunReports() && (all_told || !before.empty());
    if (print && !told) std::fputs(report.ToText().c_str(), stderr);
    return report.clean();
  }
}

bool RunControlled(const std::function<void()>& body, std::uint64_t seed, bool print) {
  internal::ControlledWorld* world = internal::EnterControlledWorld("main", seed);
  const bool clean = RunOnce(body, print);
  internal::LeaveControlledWorld(world);
  return clean;
}

// Explores the body and leaves the result for `stranded explore` or `stranded fix`.
int ExploreMain(const std::function<void()>& body) {
  ExploreOptions options = ExploreOptionsFromEnvironment();
  options.name = program_invocation_short_name;
  detector::WriteBegin(GetOptions().explore, options.name, false);
  ExploreResult result = Explore(options, body);
  detector::ShortenSteps(result);
  detector::WriteResult(GetOptions().explore, result);
  return result.clean() ? 0 : GetOptions().exitcode;
}

bool UsePatches(const std::string& text) {
  const absl::Status set = internal::SetPatches(text);
  if (!set.ok()) std::fprintf(stderr, "stranded: %s\n", std::string(set.message()).c_str());
  return set.ok();
}

}  // namespace

int CheckedMain(const std::function<void()>& body) {
  const Options& options = GetOptions();
  if (!options.explore.empty()) return ExploreMain(body);
  if (!options.patch.empty() && !UsePatches(options.patch)) return 2;
  internal::SetDeadEndReporter(&ReportDeadEnd);
  if (options.schedule != "controlled") return RunOnce(body, true) ? 0 : options.exitcode;
  if (options.runs <= 1) return RunControlled(body, options.seed, true) ? 0 : options.exitcode;
  for (int i = 0; i < options.runs; ++i) {
    const std::uint64_t seed = options.seed + static_cast<std::uint64_t>(i);
    if (RunControlled(body, seed, false)) continue;
    std::fprintf(stderr, "stranded: run %d of %d left tasks behind; seed %llu\n", i + 1,
                 options.runs, static_cast<unsigned long long>(seed));
    RunControlled(body, seed, true);
    return options.exitcode;
  }
  std::fprintf(
      stderr, "stranded: %d runs, seeds %llu to %llu, nothing is stranded\n", options.runs,
      static_cast<unsigned long long>(options.seed),
      static_cast<unsigned long long>(options.seed + static_cast<std::uint64_t>(options.runs) - 1));
  return 0;
}

namespace {

// Of the process that called CheckAtExit(): in the child of a fork tasks and locks are as the
// parent's threads left them. Then what it ends with.
pid_t checked_at_exit = 0;
int exit_status = 0;

// Behind destructors of globals and functions of atexit(): whatever they end has ended.
__attribute__((destructor)) void CheckNow() {
  if (checked_at_exit != getpid()) return;
  const LeakReport report = FindLeaks();
  if (report.clean()) return;
  const bool kept = exit_status == 0 ? KeepDump(OfAll()) : true;  // the runtime writes it later
  if (!kept || !RunReports()) std::fputs(report.ToText().c_str(), stderr);
  if (exit_status != 0) return;
  std::fflush(nullptr);
  std::_Exit(GetOptions().exitcode);
}

}  // namespace

void CheckAtExit() {
  if (checked_at_exit == getpid()) return;
  checked_at_exit = getpid();
  on_exit([](int status, void*) { exit_status = status; }, nullptr);
}

}  // namespace stranded
