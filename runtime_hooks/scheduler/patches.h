// Virtual patches: fixes that are tried at run time, by site, without building anything.
//
// Overview: STRANDED_OPTIONS=patch=KIND@FILE#LINE,... or SetPatches. KIND is one of
//   capacity(N)  channels made there have room for N values, or for what they were given if that is
//                more: a line may make several
//   context      an operation there ends when its task's context ends: the task unwinds, but a
//                receive first returns as if the channel were closed. Where the context has ended
//                before and the operation is ready, the schedule chooses, as a Select does
//   context(send), context(recv)  the same, of these operations only: a line may have both
//   giveup       an operation there ends, whatever its task's context says
//   context(skip), giveup(skip)  a send there ends without its value, and its task goes on
//   close        channels made there are closed when no task that has sent on them is left
//   cancel       contexts made there are cancelled when the task that made them is done
//   release      locks taken there are released
//   release(FILE#LINE)  the same, but only while the holder is blocked in the operation there
//   done         wait groups made there come to zero
//   signal       conditions made there are broadcast
// `capacity` acts when the channel is made, `context` as the edit would. All others act as late as
// possible: when nothing else in a controlled world can run any more and no timer is pending. What
// a program does before that is therefore not changed by them; what a real edit would do earlier,
// they do then. On real threads only `capacity` acts. Thread safety: set before the tasks that are
// to be patched; read from any thread.
#ifndef STRANDED_RUNTIME_HOOKS_SCHEDULER_PATCHES_H_
#define STRANDED_RUNTIME_HOOKS_SCHEDULER_PATCHES_H_

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <source_location>
#include <string>
#include <string_view>

#include "stranded/internal/wait_kind.h"

namespace stranded::internal {

enum class PatchKind : std::uint8_t {
  kCapacity,
  kContext,
  kGiveUp,
  kClose,
  kCancel,
  kRelease,
  kDone,
  kSignal
};

struct Patch {
  std::string text;  // as it was given
  PatchKind kind = PatchKind::kCapacity;
  std::string file;
  std::uint32_t line = 0;
  std::size_t capacity = 0;
  bool skips = false;
  WaitKind only = WaitKind::kNone;  // context: this operation only; kNone: any
  std::string across_file;          // release: only across this operation; empty: any
  std::uint32_t across_line = 0;
  mutable std::atomic<bool> met{false};  // relaxed: only ever set, read when the tasks are over
  // close: where the program closed such a channel once more; relaxed, as above
  mutable std::atomic<const char*> again_file{nullptr};
  mutable std::atomic<std::uint32_t> again_line{0};

  bool Names(PatchKind wanted, const std::source_location& site) const;
  void NoteMet() const { met.store(true, std::memory_order_relaxed); }
};

// The patches in force.
const std::deque<Patch>& Patches();
extern std::atomic<bool> any_patches;  // relaxed: set before the tasks run

// Whether `file`, as the compiler was told, is the one that a patch names: by its whole path, or by
// the end of it, as reports show it.
bool IsFile(std::string_view wanted, std::string_view file);
// The patch of this kind for this site, and for this operation there; or null.
const Patch* FindPatch(PatchKind kind, const std::source_location& site,
                       WaitKind operation = WaitKind::kNone);
// The program itself closed at `site` what the `close` for channels made at `made` had closed.
void NoteClosedAgain(const std::source_location& made, const std::source_location& site);
// The capacity of a channel that is made at `site`.
inline std::size_t PatchedCapacity(std::size_t capacity, const std::source_location& site) {
  if (!any_patches.load(std::memory_order_relaxed)) [[likely]]
    return capacity;
  const Patch* patch = FindPatch(PatchKind::kCapacity, site);
  return patch == nullptr ? capacity : std::max(capacity, patch->capacity);
}

}  // namespace stranded::internal

#endif  // STRANDED_RUNTIME_HOOKS_SCHEDULER_PATCHES_H_
