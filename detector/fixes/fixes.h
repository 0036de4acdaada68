// Proposals for the kinds of fix. Each looks at recorded facts and, where the edit is certain, at
// the source. None is verified here.
#ifndef STRANDED_DETECTOR_FIXES_FIXES_H_
#define STRANDED_DETECTOR_FIXES_FIXES_H_

#include "detector/rules/rule.h"

namespace stranded::detector {

// For senders that nobody receives from: room in the channel, or the reason why that is no answer
// (added to the notes) and a context case instead.
void ProposeForSend(const Situation& s, const Group& group, FindingData& out);
// The blocking operation also ends when the context does.
void ProposeContextCase(const Situation& s, const Group& group, FindingData& out);
// The last sender closes the channel.
void ProposeClose(const Situation& s, const Group& group, FindingData& out);

Fix SimpleFix(FixKind kind, const SourceSite& site, std::string summary, std::string reason);

}  // namespace stranded::detector

#endif  // STRANDED_DETECTOR_FIXES_FIXES_H_
