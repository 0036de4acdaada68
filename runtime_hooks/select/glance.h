// What a select sees of its channels without their locks.
//
// Overview: each channel says in one word whether an operation might go through, and counts its
// changes there. Read twice with the same result, the words of all channels held at one moment: if
// none was ready then, the default case is right, and if one was, it may be tried alone.
// Thread safety: any thread. Invariants: a word never says "not ready" in vain; "ready" may be out
// of date, which the lock of that channel then shows. Ownership: none.
#ifndef STRANDED_RUNTIME_HOOKS_SELECT_GLANCE_H_
#define STRANDED_RUNTIME_HOOKS_SELECT_GLANCE_H_

#include <bit>
#include <cstddef>
#include <cstdint>

#include "runtime_hooks/channel/chan_core.h"

namespace stranded::internal {

// Selects with more cases are locked as a whole.
inline constexpr std::size_t kGlanceCases = 8;
inline constexpr std::size_t kNoCase = static_cast<std::size_t>(-1);

struct View {
  std::uint32_t ready = 0;  // the cases that look ready, by bits
  std::size_t default_case = kNoCase;
  int sends = 0;               // of the cases
  std::uint64_t channels = 0;  // the same number for the same ones in the same order
};

// Odd, and otherwise arbitrary.
inline constexpr std::uint64_t kWeights[kGlanceCases] = {
    0x9e3779b97f4a7c15, 0xbf58476d1ce4e5b9, 0x94d049bb133111eb, 0xd6e8feb86659fd93,
    0xa0761d6478bd642f, 0xe7037ed1a0b428db, 0x8ebc6af09c88c6e3, 0x589965cc75374cc3};

// Of at most kGlanceCases. False if something changed meanwhile. In a header: it is most of what a
// select that need not wait does.
inline bool Glance(const SelectCase* cases, std::size_t count, View* view) {
  const std::atomic<std::uint64_t>* looked_at[kGlanceCases];
  std::uint64_t seen[kGlanceCases];
  std::size_t size = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const SelectCase& c = cases[i];
    if (c.chan == nullptr) {
      if (c.op == CaseOp::kDefault && view->default_case == kNoCase) view->default_case = i;
      continue;
    }
    const std::uint64_t now = c.chan->glance.load(std::memory_order_acquire);
    looked_at[size] = &c.chan->glance;
    seen[size++] = now;
    static_assert(ChanCore::kMayRecv == 1 && ChanCore::kMaySend == 2);
    const int wanted = c.op == CaseOp::kSend ? 1 : 0;
    view->sends += wanted;
    view->ready |= static_cast<std::uint32_t>(now >> wanted & 1) << i;
    // A sum of products: they do not wait for each other.
    view->channels += ChanCore::IdInGlance(now) * kWeights[i];
  }
  std::uint64_t changed = 0;
  for (std::size_t i = 0; i < size; ++i) {
    changed |= looked_at[i]->load(std::memory_order_acquire) ^ seen[i];
  }
  return changed == 0;
}

bool LooksReady(const SelectCase& c);
// One of the bits set, uniformly.
std::size_t PickBit(Task* self, std::uint32_t bits);
std::size_t FindDefault(const SelectCase* cases, std::size_t count);

// The loop around a select that makes the same choice again and again need not note it each time:
// true but for now and then.
inline bool SaidBefore(Task* self, const View& view, const SelectCase* cases, std::size_t chosen) {
  const std::uint64_t choice =
      view.channels + std::bit_cast<std::uint64_t>(cases[chosen].site) + chosen;
  if (self->last_select != choice) {
    self->last_select = choice;
    self->unsaid = Task::kSayEvery;
    return false;
  }
  if (--self->unsaid != 0) return true;
  self->unsaid = Task::kSayEvery;
  return false;
}

}  // namespace stranded::internal

#endif  // STRANDED_RUNTIME_HOOKS_SELECT_GLANCE_H_
