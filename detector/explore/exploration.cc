#include "detector/explore/exploration.h"

#include <cxxabi.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <thread>

#include "absl/strings/str_cat.h"
#include "detector/check/last_words.h"
#include "detector/explore/explore_text.h"
#include "detector/explore/replayed_report.h"
#include "detector/explore/result_file.h"
#include "detector/report/source_root.h"
#include "detector/rules/rule.h"
#include "stranded/errors.h"
#include "stranded/internal/check_support.h"
#include "stranded/internal/recorder_hooks.h"
#include "stranded/options.h"

namespace stranded::detector {
namespace {

// The exploration whose body runs, the innermost one: dead ends are reported through a plain
// function. Release and acquire: a crash of another thread asks it for its schedule.
std::atomic<Exploration*> current{nullptr};

std::string TextOf(const std::exception_ptr& thrown) {
  try {
    std::rethrow_exception(thrown);
  } catch (const std::exception& e) {
    const std::string text = e.what();
    return absl::StrCat("an exception left the body: ", text.substr(0, text.find('\n')));
  } catch (...) {
    const std::type_info* type = abi::__cxa_current_exception_type();
    return absl::StrCat("an exception left the body: ", type == nullptr ? "unknown" : type->name());
  }
}

// Part of the key of an end; even, as the lowest bit stands for a dead end.
constexpr std::uint64_t kLostCancels = 0x6a09e667f3bcc908;
constexpr std::uint64_t kCut = 0xbb67ae8584caa73a;

// Not of this run: it takes another schedule.
LeakReport Predicted(const LeakReport& report, const LeakReport& first, const std::string& how) {
  Analysis analysis = report.analysis();
  for (Finding& finding : analysis.findings) {
    if (Counterpart(finding, first) != nullptr) continue;
    FindingData data = finding.data();
    data.notes.push_back(absl::StrCat("The first schedule tried does not show this; ", how,
                                      " it is ", data.verdict, "."));
    data.verdict = "predicted";
    finding = Finding(std::move(data));
  }
  return LeakReport(std::move(analysis));
}

internal::ScheduleSettings SettingsOf(const ExploreOptions& options) {
  internal::ScheduleSettings settings;
  settings.policy = options.policy;
  settings.replay = options.schedule;
  settings.depth = options.depth;
  settings.preemptions = options.preemptions;
  settings.delay_budget_ns = absl::ToInt64Nanoseconds(options.delay_budget);
  // A schedule says itself where time passes.
  if (settings.policy == "replay") settings.delay_budget_ns = INT64_MAX / 4;
  return settings;
}

}  // namespace

Exploration::Exploration(ExploreOptions options)
    : options_(std::move(options)),
      settings_(SettingsOf(options_)),
      begun_(std::chrono::steady_clock::now()),
      shown_(begun_),
      looked_(begun_) {
  result_.name = options_.name;
  result_.is_test = options_.is_test;
  result_.policy = options_.policy;
  result_.patch = options_.patch;
  result_.first_seed = options_.seed;
  internal::ForgetForeignThreads();
  auto policy = internal::NewSchedulePolicy(settings_);
  if (!policy.ok()) {
    result_.error = policy.status();
    phase_ = Phase::kOver;
    return;
  }
  search_policy_ = *std::move(policy);
  result_.error = internal::SetPatches(options_.patch);
  if (result_.error.ok()) result_.error = detector::KnownRules(options_.check.rules);
  result_.idle_patches = internal::IdlePatches();
  if (!result_.error.ok()) phase_ = Phase::kOver;
}

Exploration::~Exploration() {
  if (world_ != nullptr) ForgetCurrent();  // End() threw
  internal::PutBackPatches(patches_around_);
}

// Dead ends from here on are those of whoever explored, or reported, before.
void Exploration::ForgetCurrent() {
  current.store(around_, std::memory_order_release);
  internal::SetDeadEndReporter(reporter_before_);
}

// Explorations of several tests take turns: the time of the others does not count.
bool Exploration::OutOfTime() const {
  return absl::Seconds(result_.seconds) >= options_.time_limit;
}

// A fix with which tasks run in circles, until a limit ends them, needs no further schedules.
bool Exploration::Refuted() const {
  return !options_.patch.empty() && !options_.first_schedule.empty() && goes_round_;
}

bool Exploration::NextOfSearch() {
  if (std::exchange(fetched_, false)) return true;
  if (Refuted()) return false;
  const int most = options_.policy == "replay" ? 1 : options_.schedules;
  if (result_.schedules >= most) return false;
  if (result_.schedules > 0 && OutOfTime()) {
    result_.out_of_time = true;
    return false;
  }
  if (options_.stop_at_first && !result_.clean()) return false;
  seed_ = options_.seed + static_cast<std::uint64_t>(result_.schedules);
  if (ReplaysFirst()) return true;
  return internal::BeginSchedule(search_policy_, seed_);
}

bool Exploration::ReplaysFirst() const {
  return phase_ == Phase::kSearch && result_.schedules == 0 && !options_.first_schedule.empty();
}

// From one phase to the next, as far as there is anything to do in it.
void Exploration::Advance() {
  if (phase_ == Phase::kSearch) {
    result_.coverage = internal::CoverageOf(search_policy_);
    ShowProgress(true);
    phase_ = Phase::kOver;
    if (result_.clean()) return;
    if (Refuted()) {
      result_.schedule = result_.bad()->schedule;
      return;
    }
    minimizer_ = std::make_unique<Minimizer>(result_.bad()->schedule);
    phase_ = options_.minimize ? Phase::kMinimize : Phase::kLast;
    return;
  }
  phase_ = phase_ == Phase::kMinimize                        ? Phase::kLast
           : phase_ == Phase::kLast && result_.schedules > 1 ? Phase::kAgain
                                                             : Phase::kOver;
}

bool Exploration::Enter(const internal::ScheduleSettings& settings, std::uint64_t seed) {
  Exploration* around = current.load(std::memory_order_acquire);
  const std::thread::id here = std::this_thread::get_id();
  const bool elsewhere = around != nullptr && around->thread_ != here;
  thread_ = here;
  if (elsewhere || !current.compare_exchange_strong(around, this, std::memory_order_acq_rel)) {
    throw MisuseError("Explore() while another thread explores: one at a time");
  }
  around_ = around;
  entered_ = std::chrono::steady_clock::now();
  dead_end_.reset();
  reporter_before_ = internal::SetDeadEndReporter(&Exploration::OnDeadEnd);
  internal::SetCrashHook(&Exploration::OnCrash);
  internal::SetStallHook(&Exploration::OnStall);
  if (!GetOptions().explore.empty()) {
    [[maybe_unused]] static const int once = std::atexit(&Exploration::OnExit);
  }
  const bool search = phase_ == Phase::kSearch && !ReplaysFirst();
  const auto& policy = search ? search_policy_ : replay_policy_;
  // What the last replay shows is told in full, with the history.
  if (phase_ == Phase::kLast) traced_before_ = internal::TraceEvents(true);
  world_ = internal::EnterExploredWorld(options_.name, settings, policy, seed);
  scope_ = std::make_unique<LeakScope>(options_.name);
  return true;
}

bool Exploration::Begin() {
  internal::ScheduleSettings settings = settings_;
  if (phase_ == Phase::kSearch) {
    if (NextOfSearch() && !ReplaysFirst()) return Enter(settings_, seed_);
    if (ReplaysFirst()) {
      settings.replay = options_.first_schedule;
    } else {
      Advance();
    }
  }
  settings.policy = "replay";
  // A smaller schedule is no slower machine: without some changes a timer may be far away.
  settings.delay_budget_ns = phase_ == Phase::kSearch ? INT64_MAX / 4 : SlowestMachine();
  if (phase_ == Phase::kMinimize && !minimizer_->Next(&settings.replay)) Advance();
  if (phase_ == Phase::kOver) return false;
  if (phase_ == Phase::kLast) {
    settings.replay = minimizer_->best();
    settings.keep_steps = true;
  }
  if (phase_ == Phase::kAgain) settings.replay = first_schedule_;
  replay_policy_ = *internal::NewSchedulePolicy(settings);
  std::ignore = internal::BeginSchedule(replay_policy_, 0);
  return Enter(settings, 0);
}

std::int64_t Exploration::SlowestMachine() const {
  const ExploreOutcome* const bad = result_.bad();
  return std::max(settings_.delay_budget_ns, bad == nullptr ? 0 : bad->delay_ns);
}

void Exploration::OnCrash(int signal) {
  // The child of a death test has a copy of all this, and dies for itself.
  const Exploration* const self = current.load(std::memory_order_acquire);
  if (self == nullptr || self->world_ == nullptr) return;
  if (GetOptions().explore.empty() || getpid() != self->process_) return;
  WriteCrash(GetOptions().explore, signal, self->Here());
}

// exit() in a body: the schedules that are still to come never do.
void Exploration::OnExit() {
  const Exploration* const self = current.load(std::memory_order_acquire);
  if (self == nullptr || self->world_ == nullptr || getpid() != self->process_) return;
  WriteExit(GetOptions().explore, self->Here());
}

EarlyEnd Exploration::Here() const {
  return {options_.name, result_.schedules + 1, internal::RecordOf(world_).schedule};
}

// A schedule that never ends would outlast any limit of time. Nothing but the end of the program
// ends a thread that hangs.
void Exploration::OnStall(std::uint64_t world, int seconds, int seconds_since_told) {
  const Options& options = GetOptions();
  if (options.explore.empty() || options.time_s == 0 || seconds_since_told < options.time_s) return;
  const Exploration* const self = current.load(std::memory_order_acquire);
  if (self == nullptr || self->world_ == nullptr || getpid() != self->process_) return;
  if (internal::WorldIdOf(self->world_) != world) return;
  WriteHang(options.explore, seconds, self->Here());
  _exit(options.exitcode);
}

void Exploration::OnDeadEnd(std::uint64_t world) {
  Exploration* const innermost = current.load(std::memory_order_acquire);
  if (innermost == nullptr || innermost->world_ == nullptr) return;
  if (internal::WorldIdOf(innermost->world_) != world) return;  // another thread's
  Exploration& self = *innermost;
  if (self.dead_end_.has_value()) return;
  EndState end;
  end.key = internal::EndOf(self.world_) | 1;
  if (self.phase_ == Phase::kLast || !self.by_key_.contains(end.key)) {
    end.report = ExamineDeadEnd(self.options_.check);
    end.examined = true;
    SetLastWords(end.report.ToText());
  }
  self.dead_end_ = std::move(end);
}

Exploration::EndState Exploration::Examine() {
  TakeBackLastWords();
  if (dead_end_.has_value()) return *dead_end_;
  EndState end;
  end.report = LeakReport();
  const LeakReport lost = scope_->CheckLostCancels(options_.check);
  internal::WaitUntilQuiet(nullptr, options_.check.virtual_grace);
  end.key = internal::EndOf(world_) & ~std::uint64_t{1};
  if (!lost.clean()) end.key ^= kLostCancels;
  const std::uint64_t in_pools = internal::EndInPools(options_.check.grace);
  // What the pools did may let others go on.
  if (in_pools != 0) internal::WaitUntilQuiet(nullptr, options_.check.virtual_grace);
  end.key += in_pools;
  if (end.key == 0) return end;
  if (phase_ != Phase::kLast && by_key_.contains(end.key)) return end;
  end.report = scope_->Check(options_.check);
  end.report.Add(lost);
  end.examined = true;
  return end;
}

// Without what the body expects.
LeakReport Exploration::Unexpected(const LeakReport& report, bool dead_end) const {
  if (dead_end && expected_.dead_end) return LeakReport();
  Analysis analysis = report.analysis();
  const auto has = [](const SourceSite& site, const std::string& part) {
    return site.ToString().find(part) != std::string::npos ||
           site.function.find(part) != std::string::npos;
  };
  std::erase_if(analysis.findings, [&](const Finding& f) {
    for (const std::string& rule : expected_.rules) {
      if (f.rule() == rule) return true;
    }
    for (const std::string& part : expected_.ignore) {
      if (has(f.wait_site(), part) || has(f.spawn_site(), part)) return true;
    }
    return false;
  });
  return LeakReport(std::move(analysis));
}

void Exploration::End(const std::exception_ptr& thrown,
                      const std::function<std::string()>& what_failed) {
  // What a run leaves that was cut off was left by the cut.
  const bool cut = internal::RecordOf(world_).cut && !dead_end_.has_value();
  EndState end = cut ? EndState{.key = kCut, .report = LeakReport(), .examined = true} : Examine();
  if (end.examined) end.report = Unexpected(end.report, dead_end_.has_value());
  const std::string failure = what_failed();
  NotePatches();
  internal::ScheduleRecord record = internal::RecordOf(world_);
  if (thrown != nullptr && !record.cut) record.exceptions.push_back(TextOf(thrown));
  // What was thrown or failed is part of how it ended.
  for (const std::string& e : record.exceptions) end.key ^= std::hash<std::string>{}(e) << 1;
  if (!failure.empty() && !cut) end.key ^= std::hash<std::string>{}(failure) << 1;
  scope_.reset();
  internal::LeaveControlledWorld(world_);
  world_ = nullptr;
  ForgetCurrent();
  if (phase_ == Phase::kLast) internal::TraceEvents(traced_before_);
  if (phase_ == Phase::kSearch) {
    result_.seconds +=
        absl::ToDoubleSeconds(absl::FromChrono(std::chrono::steady_clock::now() - entered_));
    if (result_.schedules++ == 0) {
      first_key_ = end.key;
      first_schedule_ = record.schedule;
    }
    NoteOutcome(end, record, cut ? "" : failure);
    constexpr std::uint64_t kManySteps = 10000;
    goes_round_ |= record.cut || (!end.report.clean() && record.steps > kManySteps);
    ShowProgress(false);
  } else if (phase_ == Phase::kMinimize) {
    minimizer_->Report(FailsAlike(end.key), record.schedule);
  } else if (phase_ == Phase::kLast) {
    NoteLast(end, record);
    Advance();
  } else {
    result_.repeats = end.key == first_key_;
    phase_ = Phase::kOver;
  }
  LookForReader();
}

// The command that started the exploration keeps the file of its results. It ends its child with
// itself, but not what that has started where it is a script.
void Exploration::LookForReader() {
  const auto now = std::chrono::steady_clock::now();
  if (GetOptions().explore.empty() || now - looked_ < std::chrono::seconds(1)) return;
  looked_ = now;
  if (access(GetOptions().explore.c_str(), W_OK) != 0) _exit(GetOptions().exitcode);
}

void Exploration::NoteOutcome(const EndState& end, const internal::ScheduleRecord& record,
                              const std::string& failure) {
  const auto [it, fresh] = by_key_.try_emplace(end.key, result_.outcomes.size());
  if (!fresh) {
    ++result_.outcomes[it->second].count;
    return;
  }
  ExploreOutcome outcome;
  outcome.count = 1;
  outcome.first = result_.schedules;
  outcome.seed = seed_;
  outcome.schedule = record.schedule;
  outcome.exceptions = record.exceptions;
  outcome.failure = failure;
  outcome.deadlock = record.deadlock;
  outcome.cut = record.cut;
  outcome.delay_ns = record.delay_ns;
  outcome.report = end.report;
  if (outcome.first > 1 && !end.report.clean()) {
    outcome.report = Predicted(end.report, result_.outcomes.front().report,
                               absl::StrCat("in schedule ", outcome.first, " of this exploration"));
  }
  result_.outcomes.push_back(std::move(outcome));
  if (result_.first_bad < 0 && result_.outcomes.back().bad()) {
    result_.first_bad = static_cast<int>(result_.outcomes.size()) - 1;
    bad_key_ = end.key;
  }
}

// An end that another schedule came to may fail in the same way with fewer tasks, or more:
// whichever needs the smaller schedule is shown.
bool Exploration::FailsAlike(std::uint64_t key) {
  if (key == bad_key_) return true;
  const auto other = by_key_.find(key);
  if (other == by_key_.end() || !result_.outcomes[other->second].bad()) return false;
  if (WhatFailed(result_.outcomes[other->second]) != WhatFailed(*result_.bad())) return false;
  bad_key_ = key;
  result_.first_bad = static_cast<int>(other->second);
  return true;
}

void Exploration::NoteLast(const EndState& end, const internal::ScheduleRecord& record) {
  result_.schedule = minimizer_->best();
  result_.changes = minimizer_->changes();
  result_.tried_to_minimize = minimizer_->tried();
  result_.preemptions = record.preemptions;
  result_.steps = StepsOf(record, options_.check.source_root);
  ExploreOutcome& bad = result_.outcomes[static_cast<std::size_t>(result_.first_bad)];
  if (end.key != bad_key_) {  // the program is not the same from run to run
    result_.schedule = bad.schedule;
    return;
  }
  bad.delay_ns = record.delay_ns;
  bad.report = AsReplayed(bad.report, end.report);
}

void Exploration::ShowProgress(bool done) {
  if (!options_.progress) return;
  const auto now = std::chrono::steady_clock::now();
  const bool long_search = now - begun_ > std::chrono::milliseconds(500);
  if (!long_search || (!done && now - shown_ < std::chrono::milliseconds(200))) return;
  shown_ = now;
  std::fprintf(stderr, "\r\033[K%s: %d schedules, %zu %s%s", options_.name.c_str(),
               result_.schedules, result_.outcomes.size(),
               result_.outcomes.size() == 1 ? "end" : "distinct ends", done ? "\r\033[K" : "");
  std::fflush(stderr);
}

bool Exploration::over() {
  if (phase_ == Phase::kSearch && !fetched_) {
    fetched_ = NextOfSearch();
    if (!fetched_) Advance();
  }
  return phase_ == Phase::kOver;
}

// After each schedule: explorations take turns, and each new one puts the patches in force anew.
void Exploration::NotePatches() {
  for (const internal::SecondClose& close : internal::SecondCloses()) {
    const bool known = std::any_of(result_.second_closes.begin(), result_.second_closes.end(),
                                   [&](const auto& other) { return other.patch == close.patch; });
    if (known) continue;
    SourceSite site;
    site.file = ShortFile(close.file);
    site.line = close.line;
    result_.second_closes.push_back({close.patch, std::move(site)});
  }
  if (result_.idle_patches.empty()) return;
  const std::vector<std::string> idle = internal::IdlePatches();
  std::erase_if(result_.idle_patches, [&](const std::string& patch) {
    return std::find(idle.begin(), idle.end(), patch) == idle.end();
  });
}

ExploreResult Exploration::TakeResult() { return std::move(result_); }

}  // namespace stranded::detector
