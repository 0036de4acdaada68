#include "detector/report/outcome.h"

#include <algorithm>
#include <iterator>
#include <string_view>

#include "absl/strings/str_cat.h"

namespace stranded::detector {

std::string LookAgain(const Analysis& analysis) {
  if (analysis.look_again == 0) return "";
  const bool one = analysis.look_again == 1;
  const std::string who = absl::StrCat(analysis.look_again, one ? " task" : " tasks");
  if (analysis.summary.died_of.empty()) return who + " may just be slow: look again later";
  return absl::StrCat(who, " may just have been slow when it died: ", one ? "it" : "they",
                      " had not waited long");
}

namespace {

// Main is in no other finding where it is blocked alone.
std::string Stranded(const Analysis& a) {
  const AnalysisSummary& s = a.summary;
  if (s.stranded == 0) {
    const bool dead_end = std::any_of(a.findings.begin(), a.findings.end(), [](const Finding& f) {
      return f.rule() == "global-deadlock";
    });
    return dead_end ? "a dead end" : "no stranded task";
  }
  return absl::StrCat(s.stranded, s.stranded == 1 ? " stranded task" : " stranded tasks");
}

}  // namespace

std::string Outcome(const Analysis& analysis) {
  const AnalysisSummary& s = analysis.summary;
  const std::size_t n = analysis.findings.size();
  const std::string died = s.died_of.empty() ? "" : absl::StrCat("the program died of ", s.died_of);
  if (n == 0 && s.partly_lost) {
    return absl::StrCat("no finding in what could be read", died.empty() ? "" : "; ", died);
  }
  if (n == 0 && s.hidden > 0) {
    return absl::StrCat("no finding is left by the filters", died.empty() ? "" : "; ", died);
  }
  const std::string expected = s.expected == 0 ? "" : absl::StrCat(", ", ExpectedText(s.expected));
  if (n == 0 && died.empty() && s.expected > 0) {
    return absl::StrCat("nothing is stranded but what was expected: ", s.expected,
                        s.expected == 1 ? " task" : " tasks");
  }
  if (n == 0) {
    return died.empty() ? "nothing is stranded" : absl::StrCat("nothing was stranded when ", died);
  }
  return absl::StrCat(n, n == 1 ? " finding, " : " findings, ", Stranded(analysis), expected,
                      died.empty() ? "" : " when ", died);
}

bool NamesStrandedTasks(std::string_view rule) {
  constexpr std::string_view kOthers[] = {"global-deadlock", "lost-cancel", "lock-order", "growth",
                                          "context-bag"};
  return std::find(std::begin(kOthers), std::end(kOthers), rule) == std::end(kOthers);
}

std::string HiddenText(std::size_t findings) {
  return absl::StrCat(findings, findings == 1 ? " finding is" : " findings are",
                      " left out by --rule or --ignore");
}

std::string ExpectedText(std::size_t tasks) {
  return absl::StrCat(tasks, tasks == 1 ? " task" : " tasks", " as expected");
}

bool AllIsWell(const Analysis& analysis) {
  const AnalysisSummary& s = analysis.summary;
  return analysis.findings.empty() && s.hidden == 0 && !s.partly_lost && s.died_of.empty();
}

}  // namespace stranded::detector

namespace stranded {

std::size_t StrandedIn(const std::vector<Finding>& findings) {
  std::size_t tasks = 0;
  for (const Finding& f : findings) {
    if (detector::NamesStrandedTasks(f.rule())) tasks += f.task_count();
  }
  return tasks;
}

}  // namespace stranded
