// A dump before the process dies of a signal, and a clear message when a task's stack overflows.
#ifndef STRANDED_RUNTIME_HOOKS_RECORDER_FATAL_SIGNALS_H_
#define STRANDED_RUNTIME_HOOKS_RECORDER_FATAL_SIGNALS_H_

namespace stranded::internal {

// Handlers that the program or a sanitizer has installed stay.
void InstallFatalSignals();

}  // namespace stranded::internal

#endif  // STRANDED_RUNTIME_HOOKS_RECORDER_FATAL_SIGNALS_H_
