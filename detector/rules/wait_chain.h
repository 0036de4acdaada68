// The wait-for graph around a task, as the chain or cycle that it is.
#ifndef STRANDED_DETECTOR_RULES_WAIT_CHAIN_H_
#define STRANDED_DETECTOR_RULES_WAIT_CHAIN_H_

#include <string>
#include <vector>

#include "detector/rules/rule.h"

namespace stranded::detector {

// One line for each wait, from `task` on to whoever it waits for, until somebody who does not wait
// is met, or a task for the second time. Empty if nothing is known beyond the task's own wait.
std::vector<std::string> WaitChain(const Situation& s, const Task& task);

// That chain comes back to a task that it has met.
bool WaitsInCircle(const Situation& s, const Task& task);

// A stuck task that was started by whoever counted it in the wait group, as far as one can tell;
// nullptr if there is none.
const Task* CountedAndBlocked(const Situation& s, const Task& waiter, const Sync& group);
// Unless those that called Done() were started elsewhere.
bool CertainlyCounted(const Situation& s, const Task& task, const Sync& group);

}  // namespace stranded::detector

#endif  // STRANDED_DETECTOR_RULES_WAIT_CHAIN_H_
