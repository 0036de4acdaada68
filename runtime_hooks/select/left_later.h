// What a loop around a select leaves unread, kept by its task instead of by each channel.
//
// Overview: a loop that takes now this case of a select and now that would note, each time and in
// every channel that it did not read, for which case it left. Instead its task keeps the last
// choice to itself from the second on, for as long as it receives from the same channels at the
// same place. That is written into the channels ("said") when the task selects elsewhere, finishes,
// or is looked at by a snapshot. Not while events are recorded, nor in controlled worlds.
// Thread safety: the task itself; or a snapshot, while it holds the task still (freeze.h).
// Invariants: what is unsaid is younger than what the channels say of this task, but for plain
// operations of its own on them, of which only the time tells.
// Ownership: the task's. Channels are not kept alive: a slot of their slab stays one, and the id
// tells whether it holds the same channel.
#ifndef STRANDED_RUNTIME_HOOKS_SELECT_LEFT_LATER_H_
#define STRANDED_RUNTIME_HOOKS_SELECT_LEFT_LATER_H_

#include <bit>

#include "runtime_hooks/channel/chan_steps.h"
#include "runtime_hooks/select/glance.h"

namespace stranded::internal {

struct LeftLater {
  std::uint64_t among = 0;  // which cases this is about: see AmongOf()
  bool unsaid = false;
  std::uint32_t count = 0;
  const ChanCore* chosen = nullptr;  // to compare with
  LeftNote note;
  struct Left {
    ChanCore* chan;
    std::uint64_t id;
    std::source_location site;
  } cases[kGlanceCases];
};

// The same number for the same channels at the same place; 0 for a select that notes at once.
inline std::uint64_t AmongOf(const View& view, const SelectCase* cases) {
  if (view.sends != 0) return 0;
  return view.channels + std::bit_cast<std::uint64_t>(cases[0].site);
}

// True if the task may keep to itself what it takes of these cases: from the second time on. If
// not, what it kept of others has been said. No lock is held.
bool BeginKeeping(Task* self, std::uint64_t among, const SelectCase* cases, std::size_t count);
inline bool Keeps(Task* self, std::uint64_t among, const SelectCase* cases, std::size_t count) {
  const LeftLater* const later = self->left_later.load(std::memory_order_relaxed);
  if (later != nullptr && later->among == among && among != 0 &&
      !tracing.load(std::memory_order_relaxed)) [[likely]] {
    return true;
  }
  return BeginKeeping(self, among, cases, count);
}
// It took this one. While it Keeps().
inline void KeepLeft(Task* self, const SelectCase& chosen) {
  LeftLater* const later = self->left_later.load(std::memory_order_relaxed);
  later->note = LeftNote(self, chosen);
  later->chosen = chosen.chan;
  later->unsaid = true;
}
// While it Keeps(): but this time the channels are told.
inline void KeepNothing(Task* self) {
  self->left_later.load(std::memory_order_relaxed)->unsaid = false;
}

// What `task` has kept to itself is written into the channels. No lock is held.
void SayUnsaid(Task* task);
// The task finishes.
void EndLeft(Task* self);

}  // namespace stranded::internal

#endif  // STRANDED_RUNTIME_HOOKS_SELECT_LEFT_LATER_H_
