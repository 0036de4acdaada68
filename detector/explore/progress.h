// How far a trial of a fix has come: what its schedules found, against what was found before.
#ifndef STRANDED_DETECTOR_EXPLORE_PROGRESS_H_
#define STRANDED_DETECTOR_EXPLORE_PROGRESS_H_

#include <set>
#include <string>
#include <vector>

#include "stranded/explore.h"
#include "stranded/report.h"

namespace stranded::detector {

// The cause and the place of the wait.
std::string KeyOf(const Finding& finding);
std::set<std::string> FindingsOf(const ExploreResult& result);
// A schedule that did not come to its end; null if all did.
const ExploreOutcome* Endless(const ExploreResult& result);
// The tasks of `finding` go on, to wait elsewhere: what ended that wait is right, and they have
// another fault. Nobody else is worse off.
bool GoesFurther(const Finding& finding, const ExploreResult& before, const ExploreResult& after);
// The findings that can be tried, those that name a cause before those that only name an effect.
std::vector<const Finding*> InOrder(const ExploreOutcome& bad);
// Whether it is among those, which commas separate. It may be several itself.
bool HasPatch(const std::string& patches, const std::string& patch);
// It ends a wait at run time; what to write for that is not known.
bool EndsWaitsOnly(const Fix& fix);
// The same fix with the most room that any end of `result` asks for.
Fix LargestNeed(const Fix& fix, const ExploreResult& result);

}  // namespace stranded::detector

#endif  // STRANDED_DETECTOR_EXPLORE_PROGRESS_H_
