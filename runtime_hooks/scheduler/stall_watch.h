// Says when a controlled world stands still because one of its tasks keeps the thread of all.
//
// Overview: a thread of the runtime looks now and then whether a world takes steps. One that takes
// none while its thread sleeps in the kernel, in the middle of a task, will mostly never take one
// again: a std::mutex whose holder cannot run, a call that waits for another task. Thread safety:
// from any thread. Invariants: one that computes is never named; each standstill is told once.
#ifndef STRANDED_RUNTIME_HOOKS_SCHEDULER_STALL_WATCH_H_
#define STRANDED_RUNTIME_HOOKS_SCHEDULER_STALL_WATCH_H_

namespace stranded::internal {

// Starts the watch, once in each process, unless stall_s=0.
void WatchForStalls();

}  // namespace stranded::internal

#endif  // STRANDED_RUNTIME_HOOKS_SCHEDULER_STALL_WATCH_H_
