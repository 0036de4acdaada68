// The two words of a task's record that tell a wait which is over from one that goes on.
//
// Overview: `parks` counts waits, `woken` is the number of the last one that was ended. Thread
// safety: relaxed; whoever ends a wait writes `woken`, the task itself never reads it, and a reader
// of the file takes either for the truth. Ownership: see state_table.h.
#ifndef STRANDED_RUNTIME_HOOKS_RECORDER_TASK_NOTES_H_
#define STRANDED_RUNTIME_HOOKS_RECORDER_TASK_NOTES_H_

#include <atomic>
#include <cstdint>

#include "runtime_hooks/scheduler/task.h"
#include "stranded/mapped_format.h"

namespace stranded::internal {

inline void NotePark(mapped::Task* r, const Task* self) {
  std::atomic_ref<std::uint32_t>(r->parks).store(static_cast<std::uint32_t>(self->park_count),
                                                 std::memory_order_relaxed);
}

// The task may have no record.
inline void NoteWoken(const Task* task) {
  auto* r = static_cast<mapped::Task*>(task->record);
  if (r == nullptr) return;
  const std::uint32_t park =
      std::atomic_ref<std::uint32_t>(r->parks).load(std::memory_order_relaxed);
  std::atomic_ref<std::uint32_t>(r->woken).store(park, std::memory_order_relaxed);
}

}  // namespace stranded::internal

#endif  // STRANDED_RUNTIME_HOOKS_RECORDER_TASK_NOTES_H_
