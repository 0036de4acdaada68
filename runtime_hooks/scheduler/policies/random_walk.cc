// Every decision uniform: at each point each task that can run is as likely as any other.
#include "runtime_hooks/scheduler/policy.h"

namespace stranded::internal {
namespace {

// Out of this many decisions at which time may pass, it does so once on average.
constexpr std::size_t kPassTimeOneIn = 8;

class RandomWalk final : public Policy {
 public:
  const char* name() const override { return "random"; }

  bool Begin(std::uint64_t seed) override {
    random_ = Random(seed);
    return true;
  }

  std::size_t PickTask(const TaskChoice& choice) override {
    if (choice.may_pass_time && random_.Below(kPassTimeOneIn) == 0) return kPassTime;
    return choice.ready.size() == 1 ? 0 : random_.Below(choice.ready.size());
  }

  std::size_t PickNumber(const Task*, std::size_t n) override { return random_.Below(n); }

 private:
  Random random_{0};
};

}  // namespace

std::unique_ptr<Policy> NewRandomWalk(const ScheduleSettings&) {
  return std::make_unique<RandomWalk>();
}

}  // namespace stranded::internal
