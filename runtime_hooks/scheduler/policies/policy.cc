#include "runtime_hooks/scheduler/policy.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace stranded::internal {
namespace {

std::uint64_t SplitMix(std::uint64_t& x) {
  std::uint64_t z = (x += 0x9e3779b97f4a7c15ULL);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
  return z ^ (z >> 31);
}

}  // namespace

Random::Random(std::uint64_t seed) : state_{SplitMix(seed), SplitMix(seed) | 1} {}

std::uint64_t Random::Next() {
  const std::uint64_t a = state_[0];
  std::uint64_t b = state_[1];
  const std::uint64_t result = a + b;
  b ^= a;
  state_[0] = ((a << 24) | (a >> 40)) ^ b ^ (b << 16);
  state_[1] = (b << 37) | (b >> 27);
  return result;
}

std::size_t OldestOf(const TaskChoice& choice) {
  const auto older = [](const Task* a, const Task* b) { return a->queue_seq < b->queue_seq; };
  const auto oldest = std::min_element(choice.ready.begin(), choice.ready.end(), older);
  return static_cast<std::size_t>(oldest - choice.ready.begin());
}

std::size_t DefaultTask(const TaskChoice& choice) {
  const std::vector<Task*>& ready = choice.ready;
  if (choice.can_stay && !choice.yields) {
    const auto self = std::find(ready.begin(), ready.end(), choice.self);
    return static_cast<std::size_t>(self - ready.begin());
  }
  return OldestOf(choice);
}

void PolicyDeleter::operator()(Policy* policy) const { delete policy; }

absl::StatusOr<SchedulePolicy> NewSchedulePolicy(const ScheduleSettings& settings) {
  const std::string& name = settings.policy;
  if (name == "random") return SchedulePolicy(NewRandomWalk(settings).release());
  if (name == "pct") return SchedulePolicy(NewPct(settings).release());
  if (name == "round-robin") return SchedulePolicy(NewRoundRobin(settings).release());
  if (name == "exhaustive") return SchedulePolicy(NewExhaustive(settings).release());
  if (name == "replay") {
    const auto schedule = ParseSchedule(settings.replay);
    if (!schedule.has_value()) {
      return absl::InvalidArgumentError(absl::StrCat(
          "'", settings.replay, "' is not a schedule: use the text that an exploration printed"));
    }
    return SchedulePolicy(NewReplay(*schedule).release());
  }
  return absl::InvalidArgumentError(absl::StrCat(
      "policy accepts random, pct, round-robin, exhaustive, replay, not '", name, "'"));
}

bool BeginSchedule(const SchedulePolicy& policy, std::uint64_t seed) { return policy->Begin(seed); }
std::string CoverageOf(const SchedulePolicy& policy) { return policy->Coverage(); }

}  // namespace stranded::internal
