#include <algorithm>
#include <map>
#include <optional>

#include "absl/strings/str_cat.h"
#include "stranded/gtest.h"
#include "stranded/internal/check_support.h"
#include "stranded/options.h"
#include "stranded/report.h"

namespace stranded {
namespace {

struct Expectations {
  std::map<std::string, std::size_t> rules;
  std::vector<std::string> ignore;
  bool dead_end = false;
};

Expectations& Current() {
  static auto& current = *new Expectations;
  return current;
}

// What a dead end left, taken while everything was still parked.
std::optional<LeakReport>& DeadEnd() {
  static auto& report = *new std::optional<LeakReport>;
  return report;
}

void OnDeadEnd(std::uint64_t) {
  LeakCheckOptions options;
  options.ignore = Current().ignore;
  DeadEnd() = ExamineDeadEnd(options);
}

// What the findings lack or have too much of, against what the test expects; empty if all is well.
std::string Judge(const LeakReport& report, bool* unexpected) {
  std::map<std::string, std::size_t> seen;
  for (const Finding& f : report.findings()) ++seen[std::string(f.rule())];
  std::string problems;
  for (const auto& [rule, times] : Current().rules) {
    const std::size_t got = seen[rule];
    if (got == 0 || (times != 0 && got != times)) {
      absl::StrAppend(&problems, "expected ",
                      times == 0 ? std::string("a finding") : absl::StrCat(times, " findings"),
                      " of ", rule, ", found ", got, "\n");
    }
  }
  for (const auto& [rule, got] : seen) {
    if (got > 0 && !Current().rules.contains(rule)) *unexpected = true;
  }
  return problems;
}

}  // namespace

void ExpectLeak(const std::string& rule, std::size_t times) { Current().rules[rule] = times; }
void ExpectDeadEnd() { Current().dead_end = true; }
void IgnoreLeaks(const std::string& site_or_function) {
  Current().ignore.push_back(site_or_function);
}

struct LeakCheckListener::State {
  internal::ControlledWorld* world = nullptr;
  std::unique_ptr<LeakScope> scope;
};

LeakCheckListener::LeakCheckListener() : state_(std::make_unique<State>()) {}
LeakCheckListener::~LeakCheckListener() = default;

void LeakCheckListener::OnTestStart(const testing::TestInfo& test) {
  Current() = Expectations();
  DeadEnd().reset();
  internal::SetDeadEndReporter(&OnDeadEnd);
  const std::string name = absl::StrCat(test.test_suite_name(), ".", test.name());
  if (GetOptions().schedule != "threads") {
    state_->world = internal::EnterControlledWorld(name, GetOptions().seed);
  }
  state_->scope = std::make_unique<LeakScope>(name);
}

void LeakCheckListener::OnTestEnd(const testing::TestInfo& test) {
  LeakCheckOptions options;
  options.ignore = Current().ignore;
  options.label = absl::StrCat(test.test_suite_name(), ".", test.name());
  // A dead end has been looked at when it came; what it left would only be said twice.
  const bool expected_dead_end = Current().dead_end && DeadEnd().has_value();
  if (expected_dead_end) DeadEnd().reset();
  const LeakReport report = DeadEnd().has_value() ? *DeadEnd() : state_->scope->Check(options);
  bool unexpected = false;
  std::string problems = Judge(report, &unexpected);
  if (Current().dead_end && !expected_dead_end) {
    absl::StrAppend(&problems, "expected a dead end, but the test came to its end without one\n");
  }
  state_->scope.reset();
  if (unexpected || !problems.empty()) {
    std::string text = absl::StrCat(problems, report.ToText());
    if (state_->world != nullptr) {
      absl::StrAppend(&text, "run it again: STRANDED_OPTIONS=seed=", GetOptions().seed,
                      " with --gtest_filter=", options.label, "\n");
    }
    ADD_FAILURE_AT(test.file(), test.line()) << text;
  }
  if (state_->world != nullptr) {
    internal::LeaveControlledWorld(state_->world);
    state_->world = nullptr;
  }
}

}  // namespace stranded
