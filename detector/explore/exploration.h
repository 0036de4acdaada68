// The state machine of an exploration: search, then minimise, then one last replay with all facts.
//
// Overview: whoever can run the body (Explore(), the GoogleTest listener) calls Begin(), runs it,
// and calls End(), until Begin() says no. Thread safety: one thread, but for what a crash, exit()
// or the watch for stalls calls, maybe on another one: that reads what the thread left where it
// stands still or dies, and the program ends with it. Ownership: between Begin() and End() the
// calling thread is main of a controlled world.
#ifndef STRANDED_DETECTOR_EXPLORE_EXPLORATION_H_
#define STRANDED_DETECTOR_EXPLORE_EXPLORATION_H_

#include <sys/types.h>
#include <unistd.h>

#include <chrono>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <unordered_map>

#include "detector/explore/minimize.h"
#include "detector/explore/result_file.h"
#include "stranded/explore.h"
#include "stranded/internal/explore_support.h"

namespace stranded::detector {

class Exploration {
 public:
  explicit Exploration(ExploreOptions options);
  ~Exploration();

  // Enters the world of the next schedule. False when there is nothing left to run.
  bool Begin();
  // What the body said it expects; asked at each End().
  struct Expected {
    std::vector<std::string> rules, ignore;
    bool dead_end = false;
  };
  void Expect(Expected expected) { expected_ = std::move(expected); }
  // The body has returned, or `thrown` left it; `failure` says what else was wrong.
  // `failure` is asked when nothing moves any more: "" if nothing failed.
  void End(const std::exception_ptr& thrown, const std::function<std::string()>& failure);
  bool CameToDeadEnd() const { return dead_end_.has_value(); }
  // Nothing is left to run.
  bool over();
  ExploreResult TakeResult();

 private:
  // kAgain: the first schedule once more, to see that it ends as it did.
  enum class Phase { kSearch, kMinimize, kLast, kAgain, kOver };
  struct EndState {
    std::uint64_t key = 0;
    LeakReport report;
    bool examined = false;
  };

  static void OnDeadEnd(std::uint64_t world);
  static void OnCrash(int signal);
  static void OnExit();
  EarlyEnd Here() const;
  // By how much time may pass in what is made smaller: as in the search, or in what it found.
  std::int64_t SlowestMachine() const;
  static void OnStall(std::uint64_t world, int seconds, int seconds_since_told);
  void ForgetCurrent();
  bool NextOfSearch();
  bool ReplaysFirst() const;
  void Advance();
  bool Enter(const internal::ScheduleSettings& settings, std::uint64_t seed);
  EndState Examine();
  LeakReport Unexpected(const LeakReport& report, bool dead_end) const;
  void NoteOutcome(const EndState& end, const internal::ScheduleRecord& record,
                   const std::string& failure);
  bool FailsAlike(std::uint64_t key);
  void NoteLast(const EndState& end, const internal::ScheduleRecord& record);
  void ShowProgress(bool done);
  void LookForReader();
  bool OutOfTime() const;
  void NotePatches();
  bool Refuted() const;

  const ExploreOptions options_;
  ExploreResult result_;
  Phase phase_ = Phase::kSearch;
  bool fetched_ = false;  // over() has asked the policy for the next schedule already
  internal::ScheduleSettings settings_;
  internal::SchedulePolicy search_policy_, replay_policy_;
  internal::ControlledWorld* world_ = nullptr;
  Exploration* around_ = nullptr;  // that this one is nested in
  std::thread::id thread_;         // where the body runs
  // Of the exploration whose body makes this one, or of the program.
  const internal::PatchesInForce* const patches_around_ = internal::KeepPatches();
  void (*reporter_before_)(std::uint64_t) = nullptr;
  std::unique_ptr<LeakScope> scope_;
  std::uint64_t seed_ = 0;
  std::optional<EndState> dead_end_;
  std::unordered_map<std::uint64_t, std::size_t> by_key_;  // end -> outcome
  std::uint64_t bad_key_ = 0, first_key_ = 0;
  std::string first_schedule_;
  bool goes_round_ = false;
  const pid_t process_ = getpid();
  bool traced_before_ = false;
  std::unique_ptr<Minimizer> minimizer_;
  Expected expected_;
  std::chrono::steady_clock::time_point begun_, shown_, looked_, entered_;
};

}  // namespace stranded::detector

#endif  // STRANDED_DETECTOR_EXPLORE_EXPLORATION_H_
