// The waits of a group that can lead to different fixes.
#ifndef STRANDED_DETECTOR_FIXES_DISTINCT_WAITS_H_
#define STRANDED_DETECTOR_FIXES_DISTINCT_WAITS_H_

#include <vector>

#include "detector/rules/rule.h"

namespace stranded::detector {

// One task of each kind, in the order of the group; the lock waits, or all others. Tasks that wait
// on different channels in different contexts are of one kind if those were made at the same places
// and are in the same state: so it does not matter how many of them the group has.
std::vector<const Task*> DistinctWaits(const Situation& s, const Group& group, bool for_locks);

}  // namespace stranded::detector

#endif  // STRANDED_DETECTOR_FIXES_DISTINCT_WAITS_H_
