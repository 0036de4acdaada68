// What virtual patches do in a controlled world in which nothing can run any more.
#ifndef STRANDED_RUNTIME_HOOKS_SCHEDULER_RELIEF_H_
#define STRANDED_RUNTIME_HOOKS_SCHEDULER_RELIEF_H_

namespace stranded::internal {

class ControlledWorld;

// Applies the first patch that changes something. False if none does: the world is at its end.
bool Relieve(ControlledWorld* world);

}  // namespace stranded::internal

#endif  // STRANDED_RUNTIME_HOOKS_SCHEDULER_RELIEF_H_
