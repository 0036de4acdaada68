// The stack of a parked fiber, read from its saved registers.
#ifndef STRANDED_RUNTIME_HOOKS_RECORDER_UNWIND_H_
#define STRANDED_RUNTIME_HOOKS_RECORDER_UNWIND_H_

#include <cstddef>
#include <cstdint>

#include "runtime_hooks/scheduler/task.h"

namespace stranded::internal {

inline constexpr int kMostFrames = 64;

struct Backtrace {
  std::uint64_t pcs[kMostFrames];
  int count = 0;
  const char* note = nullptr;  // why frames are missing
};

// `task` must be frozen (parked and held still) and a fiber; else the note says so.
void UnwindParked(const Task& task, Backtrace* out);
// The same inside a fatal signal, where the stack may be damaged: a fault while it is read ends the
// reading, not the process. One thread only.
void UnwindInCrash(const Task& task, Backtrace* out);

}  // namespace stranded::internal

#endif  // STRANDED_RUNTIME_HOOKS_RECORDER_UNWIND_H_
