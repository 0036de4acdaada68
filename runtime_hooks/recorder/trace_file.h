// The life of a trace: begun with the runtime, kept alive by a thread, ended with the process.
#ifndef STRANDED_RUNTIME_HOOKS_RECORDER_TRACE_FILE_H_
#define STRANDED_RUNTIME_HOOKS_RECORDER_TRACE_FILE_H_

namespace stranded::internal {

// Opens the file that STRANDED_OPTIONS asks for and begins to record. Without a file the trace
// stays in memory, and a line on stderr says why.
void StartTrace();
void EndTrace();
// In the child of a fork nothing is recorded: rings and file are the parent's.
void LeaveTrace();

}  // namespace stranded::internal

#endif  // STRANDED_RUNTIME_HOOKS_RECORDER_TRACE_FILE_H_
