// The parts of a finding that every rule's findings have.
#ifndef STRANDED_DETECTOR_RULES_EVIDENCE_H_
#define STRANDED_DETECTOR_RULES_EVIDENCE_H_

#include <string>
#include <vector>

#include "detector/rules/rule.h"

namespace stranded::detector {

const char* ContextKindText(ContextKind kind);  // "WithTimeout"

ChannelFacts DescribeChannel(const Situation& s, const Channel& channel);
ContextStep DescribeContext(const Situation& s, const Context& context);
std::vector<ContextStep> DescribeContexts(const Situation& s, const Task& task);
// The cases of a select, and what has gone through their channels.
std::vector<std::string> DescribeCases(const Situation& s, const Task& task);
std::vector<SpawnStep> DescribeAncestry(const Situation& s, const Task& task);
const SpawnNode* SpawnOf(const Situation& s, Id task);  // null: not known any more
// Both were started at one place, as far as is known.
bool StartedAlike(const Situation& s, Id a, Id b);
// Who should have come to the channel, and what became of it.
std::vector<std::string> DescribePeer(const Situation& s, const Task& task, const Channel& channel);

}  // namespace stranded::detector

#endif  // STRANDED_DETECTOR_RULES_EVIDENCE_H_
