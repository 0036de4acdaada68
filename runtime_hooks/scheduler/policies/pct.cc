// Probabilistic concurrency testing (Burckhardt, Kothari, Musuvathi, Nagarakatte, ASPLOS 2010).
//
// Each task gets a random priority; the ready task with the highest runs. At depth - 1 random steps
// of the schedule the running task drops below all others. The paper's guarantee: a bug of depth d
// (d ordered pairs of steps make it happen) in a program of n tasks and k steps shows in one
// schedule with probability 1/(n k^(d-1)) at least. The number of steps is not known before; the
// longest schedule so far stands for it, so the bound holds from the second schedule on for
// programs whose length does not vary, and a seed alone does not replay a schedule: its text does.
//
// Two additions. A task that polls or yields lets another one run first and draws a new priority,
// or it would starve the others. The clock counts as a task: when it has the highest priority, time
// passes before anybody runs.
#include <algorithm>
#include <unordered_map>

#include "runtime_hooks/scheduler/policy.h"

namespace stranded::internal {
namespace {

constexpr std::size_t kFirstHorizon = 32, kShortest = 4, kLowRange = 1 << 20;

class Pct final : public Policy {
 public:
  explicit Pct(int depth) : depth_(std::max(depth, 1)) {}
  const char* name() const override { return "pct"; }

  bool Begin(std::uint64_t seed) override {
    random_ = Random(seed);
    priorities_.clear();
    longest_ = std::max(longest_, step_);
    step_ = 0;
    clock_ = HighPriority();
    const std::size_t horizon = longest_ == 0 ? kFirstHorizon : std::max(longest_, kShortest);
    changes_.clear();
    for (int i = 1; i < depth_; ++i) changes_.push_back(random_.Below(horizon));
    return true;
  }

  std::size_t PickTask(const TaskChoice& choice) override {
    if (choice.yields) priorities_[choice.self->ordinal] = HighPriority();
    if (choice.can_stay && std::count(changes_.begin(), changes_.end(), step_) > 0) {
      priorities_[choice.self->ordinal] = LowPriority();
    }
    ++step_;
    const std::size_t best = Highest(choice);
    if (choice.may_pass_time && clock_ > PriorityOf(choice.ready[best])) {
      clock_ = HighPriority();
      return kPassTime;
    }
    return best;
  }

  std::size_t PickNumber(const Task*, std::size_t n) override { return random_.Below(n); }

 private:
  std::int64_t HighPriority() { return static_cast<std::int64_t>(random_.Next() >> 2); }
  std::int64_t LowPriority() { return -1 - static_cast<std::int64_t>(random_.Below(kLowRange)); }
  std::int64_t PriorityOf(const Task* task) {
    const auto [it, born] = priorities_.try_emplace(task->ordinal, 0);
    if (born) it->second = HighPriority();
    return it->second;
  }
  // One that yields comes last this time.
  std::size_t Highest(const TaskChoice& choice) {
    std::size_t best = kPassTime;
    for (std::size_t i = 0; i < choice.ready.size(); ++i) {
      if (choice.yields && choice.ready[i] == choice.self && choice.ready.size() > 1) continue;
      if (best == kPassTime || PriorityOf(choice.ready[i]) > PriorityOf(choice.ready[best])) {
        best = i;
      }
    }
    return best;
  }

  const int depth_;
  Random random_{0};
  std::unordered_map<std::uint32_t, std::int64_t> priorities_;
  std::vector<std::size_t> changes_;
  std::int64_t clock_ = 0;
  std::size_t step_ = 0, longest_ = 0;
};

}  // namespace

std::unique_ptr<Policy> NewPct(const ScheduleSettings& settings) {
  return std::make_unique<Pct>(settings.depth);
}

}  // namespace stranded::internal
