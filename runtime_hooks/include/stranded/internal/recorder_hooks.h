// Where the detector meets the recorder, in a program that links both.
#ifndef STRANDED_RUNTIME_HOOKS_INTERNAL_RECORDER_HOOKS_H_
#define STRANDED_RUNTIME_HOOKS_INTERNAL_RECORDER_HOOKS_H_

#include <string>

namespace stranded::internal {

// Turns a dump into the report that SIGQUIT prints. Without one a plain list of tasks is printed.
using ReportPrinter = std::string (*)(const std::string& dump_bytes);
void SetReportPrinter(ReportPrinter printer);

// How the texts of the runtime itself name a source file: GlobalDeadlockError, stalls, exceptions.
// Without one it does as the compiler did.
using FileNamer = std::string (*)(const char* file);
void SetFileNamer(FileNamer namer);

// Called by the handler of a fatal signal before anything else, with a second or two to live: it
// may allocate, at the risk of that.
using CrashHook = void (*)(int signal);
void SetCrashHook(CrashHook hook);

// The dump that STRANDED_OPTIONS asks for is there: the one at exit is not written any more.
void DumpIsWritten();

// At a dead end that nobody reports: the exception that main gets may end the program, and what its
// tasks waited for would not be seen then. Writes the dump that STRANDED_OPTIONS asks for.
class World;
void DumpDeadEnd(World* world);
// The calling task has done nothing since: the dump is better than one of its end.
bool DiesOfDeadEnd();

// Exit dump, SIGQUIT, fatal signals and fork; once, at the first use of the runtime.
void InstallRecorder();
// The alternate stack on which a thread handles the overflow of a task's stack.
void PrepareThreadForSignals();

}  // namespace stranded::internal

#endif  // STRANDED_RUNTIME_HOOKS_INTERNAL_RECORDER_HOOKS_H_
