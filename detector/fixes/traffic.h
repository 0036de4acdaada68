// Who is known to send on a channel: by what the channel counts, and by the history of a trace.
#ifndef STRANDED_DETECTOR_FIXES_TRAFFIC_H_
#define STRANDED_DETECTOR_FIXES_TRAFFIC_H_

#include "detector/rules/situation.h"

namespace stranded::detector {

// A task that had sent on one of the channels made at that place sends on it again.
bool SendsAgain(const Situation& s, SiteId made);
// Sends of at least two tasks went through. False where that is not known.
bool SeveralSend(const Situation& s, const Channel& channel);

}  // namespace stranded::detector

#endif  // STRANDED_DETECTOR_FIXES_TRAFFIC_H_
