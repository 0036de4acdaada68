// For what lists or draws tasks: a dump that was read with MergeAlike, read again without.
#ifndef STRANDED_DETECTOR_INPUT_ALL_TASKS_H_
#define STRANDED_DETECTOR_INPUT_ALL_TASKS_H_

#include <memory>

#include "detector/model/snapshot.h"

namespace stranded::detector {

// What is read of their objects.
enum class WithObjects { kAll, kContexts, kNone };

// The dump itself where it has all tasks already, or cannot be read again: its file may be gone,
// or another one by now.
std::shared_ptr<const Dump> WithAllTasks(std::shared_ptr<const Dump> dump,
                                         WithObjects objects = WithObjects::kAll);

}  // namespace stranded::detector

#endif  // STRANDED_DETECTOR_INPUT_ALL_TASKS_H_
