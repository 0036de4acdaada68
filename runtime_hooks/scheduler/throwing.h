// Whether an exception thrown here would come to a handler.
//
// Overview: a destructor is noexcept, and in C++ it is where servers stop and join. An exception
// of the runtime that meets a noexcept function on its way would end the process, before anybody
// has said what is stuck; a wait that knows it returns instead.
// Thread safety: everything from any task or OS thread. Cost: a walk over the stack; only for waits
// that never end.
// Errors: true where it cannot be told: frames of other compilers, unknown encodings. clang's
// noexcept functions look like such that catch everything, and those with a cleanup of their own,
// as the sanitizers give to all, like such that let it pass.
#ifndef STRANDED_RUNTIME_HOOKS_SCHEDULER_THROWING_H_
#define STRANDED_RUNTIME_HOOKS_SCHEDULER_THROWING_H_

namespace stranded::internal {

// False if a noexcept function stands between the caller and whoever catches what it throws.
bool MayThrow();

}  // namespace stranded::internal

#endif  // STRANDED_RUNTIME_HOOKS_SCHEDULER_THROWING_H_
