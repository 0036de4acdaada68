// Who is known to send on a channel: by what the channel counts, and by the history of a trace.
#ifndef STRANDED_DETECTOR_FIXES_TRAFFIC_H_
#define STRANDED_DETECTOR_FIXES_TRAFFIC_H_

#include "detector/rules/situation.h"

namespace stranded::detector {

// Made at one place, as are all members of a class with an initialiser there, and nothing tells
// them apart.
bool MadeAlike(const Channel& a, const Channel& b);
// A task that had sent on this channel sends on it again; or on one made alike, where that was sent
// on at the same place, `sent_at`.
bool SendsAgain(const Situation& s, const Channel& channel, SiteId sent_at);
// Sends of at least two tasks went through. False where that is not known.
bool SeveralSend(const Situation& s, const Channel& channel);

}  // namespace stranded::detector

#endif  // STRANDED_DETECTOR_FIXES_TRAFFIC_H_
