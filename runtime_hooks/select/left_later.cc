#include "runtime_hooks/select/left_later.h"

namespace stranded::internal {
namespace {

void SayOne(const LeftLater& later, const LeftLater::Left& left) {
  if (!Slab<ChanCore>::TryRef(left.chan)) return;
  if (left.chan->id == left.id) {
    SpinGuard guard(left.chan->lock);
    if (!later.note.IsOlderThan(left.chan->last_receiver)) {
      later.note.Leave(left.chan, false, left.site, false);
    }
  }
  UnrefChan(left.chan);
}

void SayLeft(const LeftLater& later) {
  for (std::uint32_t i = 0; i < later.count; ++i) {
    if (later.cases[i].chan != later.chosen) SayOne(later, later.cases[i]);
  }
}

}  // namespace

bool BeginKeeping(Task* self, std::uint64_t among, const SelectCase* cases, std::size_t count) {
  LeftLater* later = self->left_later.load(std::memory_order_relaxed);
  if (later != nullptr && later->unsaid) {
    later->unsaid = false;
    if (later->among != among) SayLeft(*later);
  }
  if (among == 0 || !self->plain || tracing.load(std::memory_order_relaxed)) return false;
  // Who selects once, or here and there in turn, keeps nothing.
  const auto folded = static_cast<std::uint32_t>(among ^ among >> 32);
  if (self->last_among != folded) {
    self->last_among = folded;
    return false;
  }
  if (later == nullptr) {
    later = new LeftLater;
    self->left_later.store(later, std::memory_order_relaxed);
  }
  later->among = among;
  later->count = 0;
  for (std::size_t i = 0; i < count; ++i) {
    if (cases[i].chan == nullptr) continue;
    later->cases[later->count++] = {cases[i].chan, cases[i].chan->id, cases[i].site};
  }
  return true;
}

void SayUnsaid(Task* task) {
  LeftLater* const later = task->left_later.load(std::memory_order_relaxed);
  if (later == nullptr || !later->unsaid) return;
  later->unsaid = false;
  SayLeft(*later);
}

void EndLeft(Task* self) {
  SayUnsaid(self);
  delete self->left_later.load(std::memory_order_relaxed);
  self->left_later.store(nullptr, std::memory_order_relaxed);
}

}  // namespace stranded::internal
