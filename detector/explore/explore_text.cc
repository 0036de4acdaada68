#include "detector/explore/explore_text.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "detector/fixes/source_edit.h"
#include "detector/rules/fingerprint.h"

namespace stranded::detector {
namespace {

using internal::ScheduleStep;
using internal::WaitKind;

std::string OperationText(WaitKind kind) {
  switch (kind) {
    case WaitKind::kChanSend:
    case WaitKind::kChanSendNil: return "send";
    case WaitKind::kChanRecv:
    case WaitKind::kChanRecvNil: return "receive";
    case WaitKind::kSelect:
    case WaitKind::kSelectEmpty: return "select";
    case WaitKind::kSleep: return "sleep";
    case WaitKind::kMutexLock: return "lock";
    case WaitKind::kRwMutexRLock: return "read lock";
    case WaitKind::kRwMutexLock: return "write lock";
    case WaitKind::kWaitGroupWait: return "wait";
    case WaitKind::kCondWait: return "condition wait";
    case WaitKind::kOnceWait: return "once";
    case WaitKind::kSemaphoreAcquire: return "acquire";
    case WaitKind::kJoin: return "join";
    default: return "step";
  }
}

std::string StepText(const ScheduleStep& step) {
  switch (step.what) {
    case ScheduleStep::kBlocks: return absl::StrCat("blocks: ", OperationText(step.kind));
    case ScheduleStep::kEnds: return "ends";
    case ScheduleStep::kTimerFires: return "(a timer fires)";
    case ScheduleStep::kOperation: return OperationText(step.kind);
  }
  return "";
}

std::string Files(const std::set<std::string>& rules) { return absl::StrJoin(rules, ", "); }

}  // namespace

std::string ShortSchedule(const std::string& schedule) {
  constexpr std::size_t kShown = 120;
  if (schedule.size() <= kShown) return schedule;
  const auto changes = std::count(schedule.begin(), schedule.end(), ',') + 1;
  return absl::StrCat(schedule.substr(0, schedule.rfind(',', kShown)), ",... (", changes,
                      " changes)");
}

namespace {

std::string Rate(const ExploreResult& r) {
  if (r.seconds <= 0 || r.schedules < 2) return "";
  return absl::StrFormat(", %.0f a second", r.schedules / r.seconds);
}

std::string Seeds(const ExploreResult& r) {
  if (r.policy == "exhaustive" || r.policy == "replay") return "";
  return absl::StrCat(", seeds ", r.first_seed, " to ",
                      r.first_seed + static_cast<std::uint64_t>(std::max(r.schedules, 1)) - 1);
}

std::string HowToReplay(const ExploreResult& r) {
  constexpr std::size_t kLongest = 4000;
  std::string out;
  if (!r.repeats) {
    out =
        "  The body does not run alike twice: the first schedule, run once more behind the others, "
        "ended\n  otherwise. What it keeps in globals or statics from one run to the next, "
        "addresses or the\n  clock may decide; then the replay shows something else.\n\n";
  }
  const std::string patch = r.patch.empty() ? "" : absl::StrCat("--patch '", r.patch, "' ");
  if (r.schedule.size() > kLongest) {
    absl::StrAppend(&out, "  replay: too long to show, ", ShortSchedule(r.schedule),
                    "; --format json has it\n");
  } else {
    absl::StrAppend(&out, "  replay: stranded explore ", patch, "--replay ", r.schedule, " ",
                    r.Target(), "\n");
  }
  if (r.policy == "random" || r.policy == "round-robin") {
    absl::StrAppend(&out, "      or: stranded explore ", patch, "--policy ", r.policy, " --seed ",
                    r.bad()->seed, " --schedules 1 ", r.Target(), "\n");
  }
  return out;
}

// Lines of source files, each file read once.
class SourceLines {
 public:
  explicit SourceLines(std::string root) : root_(std::move(root)) {}
  std::string Line(const SourceSite& site) {
    if (!site.known() || site.file.starts_with("/usr/")) return "";
    const auto [it, fresh] = files_.try_emplace(site.file);
    if (fresh) it->second = FindSource(site.file, root_);
    if (!it->second.has_value() || site.line > it->second->lines.size()) return "";
    return std::string(absl::StripAsciiWhitespace(it->second->lines[site.line - 1]));
  }

 private:
  const std::string root_;
  std::map<std::string, std::optional<SourceFile>> files_;
};

}  // namespace

std::vector<ExploreStep> StepsOf(const internal::ScheduleRecord& record,
                                 const std::string& source_root) {
  SourceLines sources(source_root);
  std::vector<ExploreStep> steps;
  for (const ScheduleStep& step : record.history) {
    // The operation that blocks is shown where it blocks.
    const bool blocks = step.what == ScheduleStep::kBlocks && !steps.empty();
    ExploreStep made;
    made.task =
        step.what == ScheduleStep::kTimerFires
            ? ""
            : absl::StrCat("task ", step.task,
                           step.task_name.empty() ? "" : absl::StrCat(" \"", step.task_name, "\""));
    if (step.what != ScheduleStep::kTimerFires) made.number = static_cast<int>(step.number);
    made.operation = StepText(step);
    made.site = {step.site.file_name(), step.site.function_name(), step.site.line(), 0};
    made.preempts = step.preempts;
    if (blocks && steps.back().task == made.task && steps.back().site.line == made.site.line) {
      made.preempts |= steps.back().preempts;
      steps.pop_back();
    }
    if (made.operation == "step" && !made.site.known()) continue;
    made.source = sources.Line(made.site);
    steps.push_back(std::move(made));
  }
  return steps;
}

namespace {

// As the replay text and as the report above name it.
std::string BothNames(const ExploreStep& step) {
  return step.number < 0 ? step.task : absl::StrCat("t", step.number, " = ", step.task);
}

}  // namespace

std::string StepsText(const std::vector<ExploreStep>& steps) {
  std::size_t width = 0;
  std::size_t place = 0;
  for (const ExploreStep& step : steps) {
    width = std::max(width, BothNames(step).size());
    place = std::max(place, step.site.ToString().size());
  }
  std::string out;
  std::size_t number = 0;
  for (const ExploreStep& step : steps) {
    const bool hidden = !step.site.known() || step.site.file.starts_with("/usr/");
    std::string line = absl::StrFormat(
        "  %4d %s %-*s  %-18s %-*s  %s", ++number, step.preempts ? ">" : " ",
        static_cast<int>(width), BothNames(step), step.operation == "step" ? "" : step.operation,
        static_cast<int>(place), hidden ? "" : step.site.ToString(), step.source);
    absl::StripTrailingAsciiWhitespace(&line);
    absl::StrAppend(&out, line, "\n");
  }
  return out;
}

std::set<std::string> WhatFailed(const ExploreOutcome& o) {
  std::set<std::string> failed;
  for (const Finding& f : o.report.findings()) {
    failed.insert(absl::StrCat(CauseKey(f.data()), "@", f.wait_site().ToString()));
  }
  failed.insert(o.exceptions.begin(), o.exceptions.end());
  if (!o.failure.empty()) failed.insert(o.failure);
  return failed;
}

std::string OutcomeText(const ExploreOutcome& o) {
  std::vector<std::string> parts;
  if (!o.report.clean()) {
    std::set<std::string> rules;
    for (const Finding& f : o.report.findings()) rules.insert(std::string(f.rule()));
    const std::size_t tasks = o.report.analysis().summary.stranded;
    const std::string what = tasks > 1    ? absl::StrCat(tasks, " tasks stranded")
                             : tasks == 1 ? "1 task stranded"
                             : rules.contains("global-deadlock") ? "a dead end"
                                                                 : "a finding";
    parts.push_back(absl::StrCat(what, " (", Files(rules), ")"));
  }
  parts.insert(parts.end(), o.exceptions.begin(), o.exceptions.end());
  if (!o.failure.empty()) parts.push_back(o.failure);
  if (o.cut) parts.push_back("cut off: it did not come to an end");
  return parts.empty() ? "clean" : absl::StrJoin(parts, "; ");
}

namespace {

struct EndLine {
  std::string text;
  std::set<std::string> failed;
  SourceSite at;  // of its first finding
  std::size_t count = 0;
  int first = 0;
  bool bad = false;
};

// Ends that read alike and fail alike are one to a reader.
std::vector<EndLine> EndLines(const std::vector<ExploreOutcome>& outcomes) {
  std::vector<EndLine> lines;
  for (const ExploreOutcome& o : outcomes) {
    EndLine line{.text = OutcomeText(o),
                 .failed = WhatFailed(o),
                 .at = {},
                 .count = o.count,
                 .first = o.first,
                 .bad = o.bad()};
    if (!o.report.clean()) line.at = o.report.findings().front().wait_site();
    const auto alike = std::find_if(lines.begin(), lines.end(), [&](const EndLine& other) {
      return other.text == line.text && other.failed == line.failed;
    });
    if (alike == lines.end()) {
      lines.push_back(std::move(line));
    } else {
      alike->count += line.count;
    }
  }
  for (EndLine& line : lines) {
    const auto as_text = std::count_if(
        lines.begin(), lines.end(), [&](const EndLine& other) { return other.text == line.text; });
    if (as_text > 1 && line.at.known()) absl::StrAppend(&line.text, " at ", line.at.ToString());
  }
  return lines;
}

}  // namespace

std::string EndsText(const ExploreResult& result) {
  const std::vector<EndLine> lines = EndLines(result.outcomes);
  std::string out = absl::StrCat(lines.size(), lines.size() == 1 ? " end\n" : " distinct ends\n");
  for (const EndLine& line : lines) {
    absl::StrAppend(&out, absl::StrFormat("  %6u x %s", line.count, line.text));
    if (line.bad) absl::StrAppend(&out, "; first in schedule ", line.first);
    absl::StrAppend(&out, "\n");
  }
  return out;
}

}  // namespace stranded::detector

namespace stranded {

std::string ExploreResult::Target() const {
  return absl::StrCat(is_test ? absl::StrCat("--test ", name, " ") : "", "-- ", command);
}

std::string ExploreResult::ToText(bool with_steps) const {
  if (!error.ok()) return absl::StrCat("stranded: ", std::string(error.message()), "\n");
  std::string out =
      absl::StrCat(name, ": ", schedules, schedules == 1 ? " schedule" : " schedules", " (", policy,
                   detector::Seeds(*this), detector::Rate(*this), "), ", detector::EndsText(*this));
  if (!coverage.empty()) {
    absl::StrAppend(&out, policy == "replay" ? "  replay " : "  search ", coverage, "\n");
  }
  if (out_of_time) out += "  the time for this search was over: there are more schedules to try\n";
  if (clean()) return out;
  if (!report_text.empty()) {
    absl::StrAppend(&out, "\n", report_text);
  } else if (!bad()->report.clean()) {
    absl::StrAppend(&out, "\n", bad()->report.ToText());
  }
  absl::StrAppend(&out, "\n");
  absl::StrAppend(&out, "  smallest schedule found: ", changes,
                  changes == 1 ? " change" : " changes", " from the default one, ", preemptions,
                  preemptions == 1 ? " preemption" : " preemptions");
  if (bad()->delay_ns > 0) {
    absl::StrAppend(&out, "; time passes for ",
                    absl::FormatDuration(absl::Nanoseconds(bad()->delay_ns)),
                    " while tasks are ready (a slow machine)");
  }
  absl::StrAppend(&out, "\n", detector::HowToReplay(*this));
  if (with_steps) {
    absl::StrAppend(&out,
                    "\n  steps; t2 is what the replay text calls task 2, > marks a preemption\n",
                    detector::StepsText(steps));
  }
  return out;
}

}  // namespace stranded
