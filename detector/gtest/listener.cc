#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <map>
#include <optional>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "detector/check/last_words.h"
#include "detector/explore/exploration.h"
#include "detector/explore/result_file.h"
#include "detector/report/source_root.h"
#include "stranded/errors.h"
#include "stranded/gtest.h"
#include "stranded/internal/check_support.h"
#include "stranded/internal/explore_support.h"
#include "stranded/options.h"
#include "stranded/report.h"

namespace stranded {
namespace {

constexpr char kNoDeadEnd[] = "expected a dead end, but the test came to its end without one\n";

struct Expectations {
  std::map<std::string, std::size_t> rules;
  std::vector<std::string> ignore;
  bool dead_end = false;
  bool any() const { return dead_end || !rules.empty() || !ignore.empty(); }
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

// GoogleTest takes an exception that leaves a test for a failure; one that was expected is none.
// All else goes on as it came. (ASSERT_NO_FATAL_FAILURE is made of its base.)
class DropsExpectedDeadEnd : public testing::internal::HasNewFatalFailureHelper {
 public:
  void ReportTestPartResult(const testing::TestPartResult& result) override {
    if (!Current().dead_end || !IsDeadEnd(result)) {
      HasNewFatalFailureHelper::ReportTestPartResult(result);
    }
  }

 private:
  static bool IsDeadEnd(const testing::TestPartResult& result) {
    return result.fatally_failed() && result.file_name() == nullptr &&
           absl::StartsWith(result.message(), "C++ exception with description \"global deadlock: ");
  }
};

void OnDeadEnd(std::uint64_t) {
  LeakCheckOptions options;
  options.ignore = Current().ignore;
  DeadEnd() = ExamineDeadEnd(options);
  detector::SetLastWords(DeadEnd()->ToText());
}

// What the findings lack or have too much of, against what the test expects; empty if all is well.
std::string Judge(const LeakReport& report, bool* unexpected) {
  if (report.findings().empty() && Current().rules.empty()) return "";
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

void ExpectLeak(const std::string& rule, std::size_t times, std::source_location loc) {
  const auto& rules = RuleCatalogue();
  if (std::ranges::none_of(rules, [&](const RuleText& text) { return text.id == rule; })) {
    ADD_FAILURE_AT(loc.file_name(), static_cast<int>(loc.line()))
        << "ExpectLeak: there is no rule '" << rule << "'; `stranded explain` lists them";
    return;
  }
  Current().rules[rule] = times;
}
void ExpectDeadEnd() { Current().dead_end = true; }
void IgnoreLeaks(const std::string& site_or_function, std::source_location loc) {
  if (site_or_function.empty()) {
    ADD_FAILURE_AT(loc.file_name(), static_cast<int>(loc.line()))
        << "IgnoreLeaks: an empty text would ignore every task; give part of a site or function";
    return;
  }
  Current().ignore.push_back(site_or_function);
}

struct LeakCheckListener::State {
  internal::ControlledWorld* world = nullptr;
  std::optional<LeakScope> scope;
  std::optional<DropsExpectedDeadEnd> filter;
  std::string name;  // of the test
  // With STRANDED_OPTIONS=explore: one for each test, over the repetitions.
  std::map<std::string, std::unique_ptr<detector::Exploration>> explorations;
  detector::Exploration* exploring = nullptr;
  // For each test: of each end that came up, what it lacks of what is expected.
  std::map<std::string, std::map<std::string, std::string>> lacks;
  std::size_t finished = 0;
  bool found = false;

  void Finish(detector::Exploration& exploration);
  void EndTest();
};

namespace {

std::string NameOf(const testing::TestInfo& test) {
  return absl::StrCat(test.test_suite_name(), ".", test.name());
}

// As it was typed; of a full path what is below the current folder, or else the name.
std::string Program() {
  const std::filesystem::path typed = program_invocation_name;
  if (!typed.is_absolute()) return typed.string();
  std::error_code error;
  const auto near = typed.lexically_relative(std::filesystem::current_path(error));
  const bool below = !error && !near.empty() && *near.begin() != "..";
  return below ? absl::StrCat("./", near.string()) : typed.filename().string();
}

std::string FirstLine(const std::string& text) { return text.substr(0, text.find('\n')); }

// One line of what GoogleTest says. The values that were compared are left out: they may be others
// in each schedule, and would make it another end.
std::string InOneLine(const std::string& message) {
  std::vector<std::string> lines = absl::StrSplit(message, '\n', absl::SkipWhitespace());
  for (std::string& line : lines) line = std::string(absl::StripAsciiWhitespace(line));
  if (lines.empty()) return "";
  if (lines[0] == "Failed") {  // what the test says itself, as far as it is the same each time
    if (lines.size() == 1) return lines[0];
    const std::size_t digit = lines[1].find_first_of("0123456789");
    return digit == std::string::npos ? lines[1] : lines[1].substr(0, digit) + "...";
  }
  lines[0] = lines[0].substr(0, lines[0].find(", actual: "));
  std::erase_if(lines, [](const std::string& line) {
    return line.starts_with("Which is:") || line.starts_with("Actual:");
  });
  const std::size_t said = lines[0].starts_with("Expected equality") ? 3
                           : lines[0].starts_with("Value of:")       ? 2
                                                                     : 1;
  lines.resize(std::min(lines.size(), said));
  return absl::StrJoin(lines, " ");
}

std::string FirstFailure(const testing::TestInfo& test) {
  for (int i = 0; i < test.result()->total_part_count(); ++i) {
    const testing::TestPartResult& part = test.result()->GetTestPartResult(i);
    if (!part.failed()) continue;
    const std::string text = part.message();
    std::string at = "the test fails";
    // What a test throws has no place.
    if (part.file_name() != nullptr) {
      // Each schedule may fail, and mostly in the same file.
      static auto& short_names = *new std::map<std::string, std::string>;
      const auto [name, fresh] = short_names.try_emplace(part.file_name());
      if (fresh) name->second = detector::ShortFile(part.file_name());
      absl::StrAppend(&at, " at ", name->second, ":", part.line_number());
    }
    return absl::StrCat(at, ": ", InOneLine(text));
  }
  return "";
}

// What the schedule that ends now lacks of what the test expects. Without a word where the schedule
// was cut off, or came to a dead end: what it left then is another matter.
std::string LackOf(LeakScope& scope, bool came_to_dead_end,
                   std::map<std::string, std::string>& known) {
  const Expectations& expected = Current();
  internal::ControlledWorld* const world = internal::CurrentControlledWorld();
  if (came_to_dead_end || (expected.rules.empty() && !expected.dead_end)) return "";
  if (internal::RecordOf(world).cut) return "";
  if (expected.dead_end) return absl::StrCat("the test ", FirstLine(kNoDeadEnd));
  LeakCheckOptions options;
  options.ignore = expected.ignore;
  const auto judge = [&] {
    bool unexpected = false;  // the exploration says it
    const std::string problems = Judge(scope.Check(options), &unexpected);
    return problems.empty() ? "" : absl::StrCat("the test ", FirstLine(problems));
  };
  // Time may hide it, and how a world ends does not tell of it.
  if (internal::LostCancels() > 0) return judge();
  internal::WaitUntilQuiet(nullptr, options.virtual_grace);
  std::string end = absl::StrCat(internal::EndOf(world));
  for (const auto& [rule, times] : expected.rules) absl::StrAppend(&end, " ", rule, " ", times);
  // A look at what is left takes longer than most schedules, and most end alike.
  const auto [it, fresh] = known.try_emplace(std::move(end));
  if (fresh) it->second = judge();
  return it->second;
}

}  // namespace

// The next schedule of this test, until there is none.
void LeakCheckListener::BeginExplored(const testing::TestInfo& test) {
  const std::string name = NameOf(test);
  auto& exploration = state_->explorations[name];
  state_->exploring = nullptr;
  const bool first = exploration == nullptr;
  if (first) {
    ExploreOptions options = ExploreOptionsFromEnvironment();
    options.name = name;
    options.is_test = true;
    detector::WriteBegin(GetOptions().explore, name, true);
    exploration = std::make_unique<detector::Exploration>(std::move(options));
  }
  if (exploration->Begin()) {
    state_->exploring = exploration.get();
    state_->scope.emplace(name);
    return;
  }
  if (first) state_->Finish(*exploration);  // its options cannot be used
  // This test is done, others are not: the fixture runs once more, the body does not.
  state_->world = internal::EnterControlledWorld(name, GetOptions().seed);
  GTEST_SKIP();
}

void LeakCheckListener::EndExplored(const testing::TestInfo& test) {
  if (state_->exploring == nullptr) {
    internal::LeaveControlledWorld(state_->world);
    state_->world = nullptr;
    return;
  }
  detector::Exploration::Expected expected;
  for (const auto& [rule, times] : Current().rules) expected.rules.push_back(rule);
  expected.ignore = Current().ignore;
  expected.dead_end = Current().dead_end;
  state_->exploring->Expect(expected);
  // GoogleTest takes the exception of a dead end for a failure of the test; the report says more.
  const bool dead = state_->exploring->CameToDeadEnd() && !expected.dead_end;
  const std::string lack =
      LackOf(*state_->scope, state_->exploring->CameToDeadEnd(), state_->lacks[NameOf(test)]);
  state_->scope.reset();
  // Asked for at the very end: tasks that the body left running may find something wrong.
  state_->exploring->End(nullptr, [&] {
    const std::string failure = dead ? "" : FirstFailure(test);
    return failure.empty() ? lack : failure;
  });
  if (state_->exploring->over()) state_->Finish(*state_->exploring);
}

void LeakCheckListener::State::Finish(detector::Exploration& exploration) {
  ExploreResult result = exploration.TakeResult();
  detector::ShortenSteps(result);
  detector::WriteResult(GetOptions().explore, result);
  found |= !result.clean();
  ++finished;
}

void LeakCheckListener::OnTestIterationEnd(const testing::UnitTest& tests, int) {
  if (GetOptions().explore.empty()) return;
  if (tests.test_to_run_count() == 0) {
    detector::WriteNoTest(GetOptions().explore, tests.total_test_count(), GTEST_FLAG_GET(filter));
  }
  if (state_->finished < static_cast<std::size_t>(tests.test_to_run_count())) return;
  std::fflush(nullptr);
  std::_Exit(state_->found ? GetOptions().exitcode : 0);
}

LeakCheckListener::LeakCheckListener() : state_(std::make_unique<State>()) {}
LeakCheckListener::~LeakCheckListener() = default;

void LeakCheckListener::OnTestStart(const testing::TestInfo& test) {
  if (Current().any()) Current() = Expectations();  // from between two tests
  state_->filter.emplace();
  if (!GetOptions().explore.empty()) {
    BeginExplored(test);
    return;
  }
  DeadEnd().reset();
  internal::SetDeadEndReporter(&OnDeadEnd);
  // In place: most tests need it for nothing else.
  state_->name.assign(test.test_suite_name()).append(1, '.').append(test.name());
  if (GetOptions().schedule != "threads") {
    state_->world = internal::EnterControlledWorld(state_->name, GetOptions().seed);
  }
  state_->scope.emplace(state_->name);
}

void LeakCheckListener::State::EndTest() {
  scope.reset();
  if (world != nullptr) {
    internal::LeaveControlledWorld(world);
    world = nullptr;
  }
}

void LeakCheckListener::CheckTest(const testing::TestInfo& test) {
  LeakCheckOptions options;
  options.ignore = Current().ignore;
  options.label = std::move(state_->name);
  // A dead end has been looked at when it came; what it left would only be said twice.
  const bool expected_dead_end = Current().dead_end && DeadEnd().has_value();
  if (expected_dead_end) DeadEnd().reset();
  const LeakReport report = DeadEnd().has_value() ? *DeadEnd() : state_->scope->Check(options);
  bool unexpected = false;
  std::string problems = Judge(report, &unexpected);
  if (Current().dead_end && !expected_dead_end) {
    problems += kNoDeadEnd;
  }
  const bool fails = unexpected || !problems.empty();
  // The dump that the program writes at its end holds what this test left, too.
  if (!fails && Current().any()) state_->scope->ExpectWhatIsLeft();
  state_->scope.reset();
  if (fails) {
    std::string text = absl::StrCat(problems, report.ToText());
    if (state_->world != nullptr) {
      absl::StrAppend(&text, "run it again: STRANDED_OPTIONS=seed=", GetOptions().seed, " ",
                      Program(), " --gtest_filter=", options.label, "\n");
    }
    ADD_FAILURE_AT(test.file(), test.line()) << text;
  }
  state_->EndTest();
}

void LeakCheckListener::OnTestEnd(const testing::TestInfo& test) {
  detector::TakeBackLastWords();
  state_->filter.reset();
  if (!GetOptions().explore.empty()) {
    EndExplored(test);
  } else if (!Current().any() && !DeadEnd().has_value() && state_->scope->NothingLeft()) {
    state_->EndTest();  // most tests leave nothing, and expect nothing
  } else {
    CheckTest(test);
  }
  if (Current().any()) Current() = Expectations();
}

}  // namespace stranded
