// What the kernel says that a thread of the process is doing.
#ifndef STRANDED_RUNTIME_HOOKS_SCHEDULER_THREAD_STATE_H_
#define STRANDED_RUNTIME_HOOKS_SCHEDULER_THREAD_STATE_H_

#include <cstdint>

namespace stranded::internal {

enum class ThreadState : std::uint8_t {
  kGone,    // it has ended, or the kernel does not say
  kRuns,    // or is about to, or waits for a disk
  kSleeps,  // for a time that it has chosen: see nanosleep(2)
  kWaits,   // for anything else
};

// Of the thread with the kernel's number `tid`. Reads two files of /proc at most.
ThreadState StateOfThread(int tid);

}  // namespace stranded::internal

#endif  // STRANDED_RUNTIME_HOOKS_SCHEDULER_THREAD_STATE_H_
