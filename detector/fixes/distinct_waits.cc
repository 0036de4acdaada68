#include "detector/fixes/distinct_waits.h"

#include <cstdint>

#include "absl/container/flat_hash_set.h"
#include "detector/fixes/give_back.h"

namespace stranded::detector {
namespace {

constexpr std::size_t kMostWaits = 64;        // of a group that are looked at
constexpr std::size_t kMostLooked = 1 << 16;  // that are looked through for them
constexpr std::size_t kHighest = 64;          // contexts that are told by their places

using Facts = std::vector<std::uint64_t>;

// What candidates ask of a wait, in words.
class FactsOf {
 public:
  FactsOf(const Situation& s, const Task& task) : s_(s), task_(task) {}

  Facts Tell() {
    Add(static_cast<std::uint64_t>(task_.wait) << 1 | (LooksLikePool(s_, task_) ? 1 : 0));
    Add(task_.wait_site);
    Add(task_.sync);
    Add(task_.held_count == 0 && s_.LocksHeldBy(task_).empty() ? 0 : task_.id);
    AddChain(task_.context);
    for (std::uint32_t i = 0; i < task_.case_count; ++i) {
      const WaitCase& c = s_.snap().cases[task_.first_case + i];
      Add(static_cast<std::uint64_t>(c.op));
      if (c.op == CaseOp::kDone) AddChain(c.context);
      AddChannel(c.channel);
    }
    return std::move(facts_);
  }

 private:
  void Add(std::uint64_t word) { facts_.push_back(word); }
  void AddChannel(Id id) {
    const Channel* c = s_.snap().channels.Find(id);
    if (c == nullptr) return Add(0);
    const Peer& left = c->last_receiver;
    const Channel* by = s_.snap().channels.Find(left.left_channel);
    Add(c->site);
    Add(static_cast<std::uint64_t>(c->role) | std::uint64_t{c->closed} << 8 |
        static_cast<std::uint64_t>(left.outcome) << 16 |
        static_cast<std::uint64_t>(left.left_op) << 24 |
        std::uint64_t{by != nullptr && by->closed} << 32);
    Add(std::uint64_t{left.left_made} << 32 | left.left_site);
    if (c->role == ChannelRole::kContextDone) AddChain(c->context);
  }
  void AddChain(Id id) {
    const Context* c = s_.snap().contexts.Find(id);
    for (std::size_t steps = 0; c != nullptr; ++steps) {
      if (steps == kHighest) return Add(c->id);
      Add(c->site);
      Add(static_cast<std::uint64_t>(c->kind) | static_cast<std::uint64_t>(c->err) << 8 |
          std::uint64_t{c->has_cancel_func} << 16 | std::uint64_t{c->cancel_lost} << 17 |
          std::uint64_t{c->creator_task == task_.id} << 18 |
          std::uint64_t{c->ended_by_task == task_.id} << 19);
      c = s_.snap().contexts.Find(c->parent);
    }
    Add(0);
  }

  const Situation& s_;
  const Task& task_;
  Facts facts_;
};

}  // namespace

std::vector<const Task*> DistinctWaits(const Situation& s, const Group& group, bool for_locks) {
  std::vector<const Task*> distinct;
  absl::flat_hash_set<Facts> seen;
  std::size_t looked = 0;
  for (const Task* task : group.tasks) {
    if (IsLockWait(task->wait) != for_locks) {
      if (group.alike) break;
      continue;
    }
    if (++looked > kMostLooked) break;
    if (!seen.insert(FactsOf(s, *task).Tell()).second) continue;
    distinct.push_back(task);
    if (group.alike || distinct.size() == kMostWaits) break;
  }
  return distinct;
}

}  // namespace stranded::detector
