// Each task in turn, for a number of points that the seed gives: 1, 2, 3, ... from seed to seed.
#include "runtime_hooks/scheduler/policy.h"

namespace stranded::internal {
namespace {

constexpr std::uint64_t kLongestTurn = 16;

class RoundRobin final : public Policy {
 public:
  const char* name() const override { return "round-robin"; }

  bool Begin(std::uint64_t seed) override {
    turn_ = seed % kLongestTurn + 1;
    used_ = 0;
    numbers_ = 0;
    return true;
  }

  std::size_t PickTask(const TaskChoice& choice) override {
    TaskChoice now = choice;
    if (choice.can_stay && ++used_ >= turn_) now.yields = true;
    const std::size_t next = DefaultTask(now);
    if (choice.ready[next] != choice.self) used_ = 0;
    return next;
  }

  std::size_t PickNumber(const Task*, std::size_t n) override { return numbers_++ % n; }

 private:
  std::uint64_t turn_ = 1, used_ = 0;
  std::size_t numbers_ = 0;
};

}  // namespace

std::unique_ptr<Policy> NewRoundRobin(const ScheduleSettings&) {
  return std::make_unique<RoundRobin>();
}

}  // namespace stranded::internal
