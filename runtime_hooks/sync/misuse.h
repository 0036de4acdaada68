// What Go ends the process for, with the places a reader needs.
//
// Overview: one text for all of them. Thread safety: any thread. Invariants: called without the
// object's lock. Ownership: none.
#ifndef STRANDED_RUNTIME_HOOKS_SYNC_MISUSE_H_
#define STRANDED_RUNTIME_HOOKS_SYNC_MISUSE_H_

#include <source_location>
#include <string>

#include "stranded/internal/sync_base.h"

namespace stranded::internal {

// Throws MisuseError: `what`, where it was made and where it was used.
[[noreturn]] void ThrowMisuse(const std::string& what, const SyncBase& object,
                              const std::source_location& at);

}  // namespace stranded::internal

#endif  // STRANDED_RUNTIME_HOOKS_SYNC_MISUSE_H_
