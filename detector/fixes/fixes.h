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
// For receivers that nobody sends to: whatever ends the wait of such a channel, and a context case.
void ProposeForReceive(const Situation& s, const Group& group, FindingData& out);
// The last to send is stuck itself, elsewhere: that comes first. Nothing where it is not.
void ProposeStuckSender(const Situation& s, const Group& group, FindingData& out);
// A select has a channel without data that was sent on: it looks like a stop for all, and one value
// stops one task.
void ProposeClosingStop(const Situation& s, const Group& group, FindingData& out);
// The last sender closes the channel; nothing where the program cannot.
void ProposeClose(const Situation& s, const Group& group, FindingData& out);

// What can be tried at run time against this finding (FindingData::candidates): the fixes proposed
// before and others that fit the wait, in the order in which they should be tried.
void ListCandidates(const Situation& s, const Group& group, FindingData& out);
// The wait at which `fix` lets the task give up is within a lock of its own.
void WarnOfLocksHeld(const Situation& s, const Task& task, Fix& fix);
// The wait at which `fix` lets the task give up is in a function that the task was not started
// with.
void WarnOfCallers(const Situation& s, const Task& task, Fix& fix);
inline constexpr char kReturnsToCallers[] =
    "A return there leaves only the function around that line: unless the task was started with "
    "it, "
    "its callers must stop, too.";
// The beginning of a warning of what a return would jump over.
inline constexpr char kLeavesOut[] = "Leave in a way that what stands at ";
// No edit and no patch at a place of the C++ library: make_shared makes other objects there, too.
void DropLibraryPlaces(FindingData& data);
// KIND@FILE#LINE, see runtime_hooks/scheduler/patches.h.
std::string PatchText(const std::string& kind, const SourceSite& site);

Fix SimpleFix(FixKind kind, const SourceSite& site, std::string summary, std::string reason);

}  // namespace stranded::detector

#endif  // STRANDED_DETECTOR_FIXES_FIXES_H_
