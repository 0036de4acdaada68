// The default schedule with the given decisions in place of its own.
#include <map>
#include <utility>

#include "runtime_hooks/scheduler/policy.h"

namespace stranded::internal {
namespace {

class Replay final : public Policy {
 public:
  explicit Replay(const std::vector<Deviation>& schedule) {
    for (const Deviation& d : schedule) decisions_[{d.task, d.step}] = d;
  }
  const char* name() const override { return "replay"; }
  bool Begin(std::uint64_t) override { return true; }

  std::size_t PickTask(const TaskChoice& choice) override {
    const Deviation* d = Find(choice.self);
    if (d != nullptr && d->kind == Deviation::kTimer && choice.may_pass_time) return kPassTime;
    if (d != nullptr && d->kind == Deviation::kTask) {
      for (std::size_t i = 0; i < choice.ready.size(); ++i) {
        if (choice.ready[i]->ordinal == d->value) return i;
      }
    }
    return DefaultTask(choice);
  }

  std::size_t PickNumber(const Task* self, std::size_t n) override {
    const Deviation* d = Find(self);
    return d != nullptr && d->kind == Deviation::kNumber && d->value < n ? d->value : 0;
  }

 private:
  const Deviation* Find(const Task* self) const {
    const auto it = decisions_.find({self->ordinal, self->decisions});
    return it == decisions_.end() ? nullptr : &it->second;
  }

  std::map<std::pair<std::uint32_t, std::uint32_t>, Deviation> decisions_;
};

}  // namespace

std::unique_ptr<Policy> NewReplay(const std::vector<Deviation>& schedule) {
  return std::make_unique<Replay>(schedule);
}

}  // namespace stranded::internal
