// Channels whose values are to be given back: as a pool, out of it and into it again; as a
// semaphore, into it and out again.
//
// Overview: what a channel is meant for is not recorded. The shape can be, and proposals made from
// it say "if".
#ifndef STRANDED_DETECTOR_FIXES_GIVE_BACK_H_
#define STRANDED_DETECTOR_FIXES_GIVE_BACK_H_

#include "detector/rules/rule.h"

namespace stranded::detector {

// Tasks started where the receiver was send here, too, and there is nothing in the channel; one of
// them is elsewhere or has finished, and may have kept what it took.
bool LooksLikePool(const Situation& s, const Task& receiver);
// The channel is full of values without data, and tasks started where the sender was, or by it,
// take them out; or they put them in, and nobody has come to receive.
bool LooksLikeSemaphore(const Situation& s, const Task& sender);
// No receive was ever begun, nor offered by a select.
bool NobodyCameToReceive(const Channel& channel);
// Adds the fix for either.
void ProposeGivingBack(const Situation& s, const Task& task, FindingData& out);

}  // namespace stranded::detector

#endif  // STRANDED_DETECTOR_FIXES_GIVE_BACK_H_
