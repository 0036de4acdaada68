// What virtual patches do in a controlled world: `context` as soon as the context ends, the others
// when nothing can run any more. Thread safety: the thread that runs the world.
#ifndef STRANDED_RUNTIME_HOOKS_SCHEDULER_RELIEF_H_
#define STRANDED_RUNTIME_HOOKS_SCHEDULER_RELIEF_H_

#include <source_location>
#include <vector>

#include "stranded/internal/wait_kind.h"

namespace stranded::internal {

class ControlledWorld;
struct Task;

// Whether the operation that `self` waits in is to end with its task's context.
bool AwaitsItsEnd(const Task* self);
// One of `tasks`, which await it, whose context has ended while it waits; or null.
Task* FirstAtItsEnd(const std::vector<Task*>& tasks);
// For an operation that begins when the context has ended already: a select would choose among the
// operation, if it is ready, and the end. True if it is to be the end.
bool ChoosesItsEnd(Task* self, WaitKind operation, const std::source_location& site);
// Applies the first patch that changes something. False if none does: the world is at its end.
bool Relieve(ControlledWorld* world);

}  // namespace stranded::internal

#endif  // STRANDED_RUNTIME_HOOKS_SCHEDULER_RELIEF_H_
