// What a schedule came to, as its last replay tells of it.
//
// Overview: a report names tasks by the numbers of the run that it is of. That of the run that
// found the end gives way to that of the last replay, whose steps are shown beside it. Thread
// safety: none needed.
#ifndef STRANDED_DETECTOR_EXPLORE_REPLAYED_REPORT_H_
#define STRANDED_DETECTOR_EXPLORE_REPLAYED_REPORT_H_

#include "stranded/leak_check.h"

namespace stranded::detector {

// What tells of the same cause at the same place in another run, or nullptr.
const Finding* Counterpart(const Finding& of, const LeakReport& in);

// `replayed` was traced, so it knows more about what a fix would change; findings that only the
// trace tells of are left out. If one of `report` is missing there, that is the result.
LeakReport AsReplayed(const LeakReport& report, const LeakReport& replayed);

}  // namespace stranded::detector

#endif  // STRANDED_DETECTOR_EXPLORE_REPLAYED_REPORT_H_
