// The default schedule with the given decisions in place of its own.
#include <map>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
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
    if (d != nullptr && d->kind == Deviation::kTimer && choice.may_pass_time) {
      return Meet(choice.self, kPassTime);
    }
    if (d != nullptr && d->kind == Deviation::kTask) {
      for (std::size_t i = 0; i < choice.ready.size(); ++i) {
        if (choice.ready[i]->ordinal == d->value) return Meet(choice.self, i);
      }
    }
    return DefaultTask(choice);
  }

  std::size_t PickNumber(const Task* self, std::size_t n) override {
    const Deviation* d = Find(self);
    const bool fits = d != nullptr && d->kind == Deviation::kNumber && d->value < n;
    return fits ? Meet(self, d->value) : 0;
  }

  // A schedule of another program, or of this one before an edit, may look clean here.
  std::string Coverage() const override {
    if (met_.size() == decisions_.size()) return "";
    return absl::StrCat(
        "met ", met_.size(), " of the ", decisions_.size(),
        decisions_.size() == 1
            ? " change it was given: it may be of another test, or of other code"
            : " changes it was given: they may be of another test, or of other code");
  }

 private:
  std::size_t Meet(const Task* self, std::size_t choice) {
    met_.insert({self->ordinal, self->decisions});
    return choice;
  }
  const Deviation* Find(const Task* self) const {
    const auto it = decisions_.find({self->ordinal, self->decisions});
    return it == decisions_.end() ? nullptr : &it->second;
  }

  using Moment = std::pair<std::uint32_t, std::uint32_t>;  // the task, and its decisions before
  std::map<Moment, Deviation> decisions_;
  std::set<Moment> met_;
};

}  // namespace

std::unique_ptr<Policy> NewReplay(const std::vector<Deviation>& schedule) {
  return std::make_unique<Replay>(schedule);
}

}  // namespace stranded::internal
