// What a finding is known by from run to run: in baselines, diffs, and the formats of CI servers.
//
// Overview: a fingerprint is the same for every run and every machine: no lines, addresses, ids or
// counts. All lambdas of a function have one name, so several causes may share it; within one
// report they are numbered by their places, from the second on: s1:0123456789abcdef-2. Thread
// safety: plain functions. Invariants: one that is alone keeps its fingerprint when lines move; of
// several, the set of them does.
#ifndef STRANDED_DETECTOR_RULES_FINGERPRINT_H_
#define STRANDED_DETECTOR_RULES_FINGERPRINT_H_

#include <string>
#include <vector>

#include "stranded/finding.h"

namespace stranded::detector {

// Without a number.
std::string Fingerprint(const FindingData& data);
// The fingerprint, and where it is: what tells the findings of one build apart.
std::string CauseKey(const FindingData& data);
// Numbers those of one report, whatever numbers they had.
void NumberFingerprints(std::vector<Finding>& findings);

}  // namespace stranded::detector

#endif  // STRANDED_DETECTOR_RULES_FINGERPRINT_H_
