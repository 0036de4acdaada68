// Bounded exhaustive search: every schedule with at most so many preemptions, nearest ones first.
//
// A schedule is the default one with some decisions changed. The search runs the default schedule,
// then all that change one decision, then two, and so on (Musuvathi and Qadeer's iterative context
// bounding, PLDI 2007, with the changes at forced switches and numbers counted in the order too). A
// switch away from a task that could go on, and a timer that fires early, count as preemptions;
// schedules with more of them than the bound are left out.
//
// Pruning. Two runs whose operations on shared objects are ordered in the same way are in the same
// state. Each task and each object carries a hash of what happened before it; the sum over all
// tasks, with what is ordered with everything, names the state: operations whose object is not
// known, and timers that fire, as whoever sleeps is ready then, and what is set from then on is due
// later. Where a state was met before with as few preemptions, no further changes are tried. What
// tasks tell each other by plain memory or atomics is not seen: schedules that differ only there
// may be pruned.
#include <deque>
#include <unordered_map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "runtime_hooks/scheduler/policy.h"

namespace stranded::internal {
namespace {

// Enough for all bugs of a few preemptions in small bodies; then the search says it is not
// complete.
constexpr std::size_t kMostPending = 4000000;

std::uint64_t Mix(std::uint64_t a, std::uint64_t b) {
  std::uint64_t x = a * 0x9e3779b97f4a7c15ULL ^ (b + 0x2545f4914f6cdd1dULL + (a << 6) + (a >> 2));
  x ^= x >> 29;
  x *= 0xbf58476d1ce4e5b9ULL;
  return x ^ (x >> 32);
}

struct Change {
  std::uint32_t at;      // the how-manyth decision of the run
  std::uint32_t choice;  // index, or kTimeFirst
};
constexpr std::uint32_t kTimeFirst = 0xffffffff;

struct Prefix {
  std::vector<Change> changes;
  int preemptions = 0;
};

class Exhaustive final : public Policy {
 public:
  explicit Exhaustive(int bound) : bound_(bound) { pending_.push_back({}); }
  const char* name() const override { return "exhaustive"; }

  bool Begin(std::uint64_t) override {
    if (pending_.empty()) return false;
    now_ = std::move(pending_.front());
    pending_.pop_front();
    decision_ = 0;
    next_change_ = 0;
    known_ = false;
    tasks_.clear();
    objects_.clear();
    state_ = common_ = 0;
    ++runs_;
    return true;
  }

  std::size_t PickTask(const TaskChoice& choice) override {
    const std::size_t usual = DefaultTask(choice);
    const std::uint32_t at = decision_++;
    if (const Change* change = ChangeAt(at)) {
      // A body that is not the same each time may come here with another timer next.
      if (change->choice == kTimeFirst) return choice.may_pass_time ? kPassTime : usual;
      return change->choice < choice.ready.size() ? change->choice : usual;
    }
    if (Explores(choice.self)) {
      const bool preempts = choice.can_stay && !choice.yields;
      for (std::size_t i = 0; i < choice.ready.size(); ++i) {
        // A task that polled in vain learns nothing new before another one has run.
        const bool vain = choice.yields && choice.ready[i] == choice.self;
        if (i != usual && !vain) Branch(at, static_cast<std::uint32_t>(i), preempts ? 1 : 0);
      }
      if (choice.may_pass_time) Branch(at, kTimeFirst, 1);
    }
    return usual;
  }

  std::size_t PickNumber(const Task* self, std::size_t n) override {
    const std::uint32_t at = decision_++;
    std::size_t picked = 0;
    if (const Change* change = ChangeAt(at)) {
      picked = change->choice < n ? change->choice : 0;
    } else if (Explores(self)) {
      for (std::size_t i = 1; i < n; ++i) Branch(at, static_cast<std::uint32_t>(i), 0);
    }
    SetTask(self, Mix(TaskHash(self), picked + 1));
    return picked;
  }

  void Operation(const Task* self, WaitKind kind, const void* object) override {
    std::uint64_t& seen = object == nullptr ? state_ : objects_[object];
    const std::uint64_t before = Mix(Mix(TaskHash(self), seen), common_);
    const std::uint64_t hash = Mix(before, static_cast<std::uint64_t>(kind) + 1);
    if (object == nullptr) {
      common_ = Mix(common_, hash);
    } else {
      seen = hash;
    }
    SetTask(self, hash);
  }

  void TimePasses(std::int64_t now_ns, std::int64_t delay_ns) override {
    const std::uint64_t when =
        Mix(static_cast<std::uint64_t>(now_ns), static_cast<std::uint64_t>(delay_ns));
    common_ = Mix(Mix(common_, state_), when);
  }

  std::string Coverage() const override {
    if (!pending_.empty() || overflow_) {
      return absl::StrCat("not complete: ", pending_.size(), " schedules to go at this depth");
    }
    return absl::StrCat("complete: all schedules with at most ", bound_,
                        bound_ == 1 ? " preemption (" : " preemptions (", runs_, " run, ", pruned_,
                        " times pruned as equivalent)");
  }

 private:
  const Change* ChangeAt(std::uint32_t at) {
    if (next_change_ >= now_.changes.size() || now_.changes[next_change_].at != at) return nullptr;
    return &now_.changes[next_change_++];
  }

  // Whether changes are tried at this decision: behind the last one made, in a new state.
  bool Explores(const Task* self) {
    if (next_change_ < now_.changes.size() || known_) return false;
    const std::uint64_t state = Mix(Mix(state_, common_), self->ordinal + 1);
    const auto [it, fresh] = visited_.try_emplace(state, now_.preemptions);
    if (fresh) return true;
    if (it->second > now_.preemptions) {
      it->second = now_.preemptions;
      return true;
    }
    known_ = true;
    ++pruned_;
    return false;
  }

  void Branch(std::uint32_t at, std::uint32_t choice, int preemptions) {
    if (now_.preemptions + preemptions > bound_) return;
    if (pending_.size() >= kMostPending) {
      overflow_ = true;
      return;
    }
    Prefix next = now_;
    next.changes.push_back({at, choice});
    next.preemptions += preemptions;
    pending_.push_back(std::move(next));
  }

  std::uint64_t TaskHash(const Task* task) {
    const auto [it, born] = tasks_.try_emplace(task->ordinal, 0);
    if (born) it->second = Mix(task->ordinal, 7);
    return it->second;
  }
  void SetTask(const Task* task, std::uint64_t hash) {
    state_ += hash - TaskHash(task);
    tasks_[task->ordinal] = hash;
  }

  const int bound_;
  std::deque<Prefix> pending_;
  Prefix now_;
  std::uint32_t decision_ = 0;
  std::size_t next_change_ = 0;
  bool known_ = false, overflow_ = false;
  std::uint64_t state_ = 0;  // sum of the hashes of all tasks
  // Of what is ordered with everything: each operation behind it knows it.
  std::uint64_t common_ = 0;
  std::unordered_map<std::uint32_t, std::uint64_t> tasks_;
  std::unordered_map<const void*, std::uint64_t> objects_;
  std::unordered_map<std::uint64_t, int> visited_;  // state -> fewest preemptions on the way to it
  std::uint64_t runs_ = 0, pruned_ = 0;
};

}  // namespace

std::unique_ptr<Policy> NewExhaustive(const ScheduleSettings& settings) {
  return std::make_unique<Exhaustive>(settings.preemptions);
}

}  // namespace stranded::internal
