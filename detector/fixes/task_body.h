// Whether a function is all that a task does: then a return from it ends the task.
#ifndef STRANDED_DETECTOR_FIXES_TASK_BODY_H_
#define STRANDED_DETECTOR_FIXES_TASK_BODY_H_

#include <string>

#include "detector/fixes/function_text.h"
#include "stranded/finding.h"

namespace stranded::detector {

// `function`, around the place `wait` in `code`, is the lambda with which a task was started at
// `spawn`, or the function that such a lambda calls, and nothing else. In doubt false: of a name
// that several functions could have it must be clear, from where it is called, which one is meant.
bool IsAllOfTask(const SourceSite& spawn, const SourceSite& wait, const SourceCode& code,
                 const FunctionText& function, const std::string& root);

}  // namespace stranded::detector

#endif  // STRANDED_DETECTOR_FIXES_TASK_BODY_H_
