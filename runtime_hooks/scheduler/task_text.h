// Tasks and places as texts of the runtime itself name them.
//
// Thread safety: any thread. Cost: allocates, and may look at the file system.
#ifndef STRANDED_RUNTIME_HOOKS_SCHEDULER_TASK_TEXT_H_
#define STRANDED_RUNTIME_HOOKS_SCHEDULER_TASK_TEXT_H_

#include <source_location>
#include <string>
#include <string_view>

#include "runtime_hooks/scheduler/task.h"

namespace stranded::internal {

// Control characters as \x1b, \n and \t: a terminal would obey them.
std::string PlainText(std::string_view text);
// ` "fetch"` in that form; nothing if it has no name.
std::string QuotedName(const Task* task);
// file:line, the file as the FileNamer has it.
std::string PlaceText(const std::source_location& site);

}  // namespace stranded::internal

#endif  // STRANDED_RUNTIME_HOOKS_SCHEDULER_TASK_TEXT_H_
