// Looks at tasks from outside, for tests of sync objects: waits until one is parked, without
// sleeping.
#ifndef STRANDED_TESTS_RUNTIME_SYNC_TEST_SUPPORT_H_
#define STRANDED_TESTS_RUNTIME_SYNC_TEST_SUPPORT_H_

#include <optional>

#include "runtime_hooks/recorder/freeze.h"
#include "runtime_hooks/scheduler/world.h"
#include "stranded/task.h"

#ifdef __clang__
// These tests lock in one task and unlock in another, and misuse locks on purpose.
#pragma clang diagnostic ignored "-Wthread-safety-analysis"
#endif

namespace stranded {

inline std::optional<internal::WaitRecord> ParkedIn(TaskId id, internal::WaitKind kind) {
  std::optional<internal::WaitRecord> found;
  internal::TaskSlab().ForEach(
      [&](internal::Task* task) {
        if (task->id != id.value || !internal::Freeze(task)) return;
        if (task->wait.kind == kind) found = task->wait;
        internal::Thaw(task);
      },
      [](internal::Task* task) { internal::UnrefTask(task); });
  return found;
}

// The wait record of the task once it is parked in a wait of this kind.
inline internal::WaitRecord AwaitParked(TaskId id, internal::WaitKind kind) {
  for (;;) {
    if (const auto found = ParkedIn(id, kind)) return *found;
    this_task::Yield();
  }
}

}  // namespace stranded

#endif  // STRANDED_TESTS_RUNTIME_SYNC_TEST_SUPPORT_H_
