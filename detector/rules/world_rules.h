// Rules that are not about one task: whole worlds, and contexts.
#ifndef STRANDED_DETECTOR_RULES_WORLD_RULES_H_
#define STRANDED_DETECTOR_RULES_WORLD_RULES_H_

#include <vector>

#include "detector/rules/rule.h"

namespace stranded::detector {

extern const RuleText kGlobalDeadlockText, kLostCancelText, kLockOrderText, kGrowthText,
    kContextBagText;

// One finding for each world that came to a dead end.
void FindGlobalDeadlocks(const Situation& s, std::vector<FindingData>& out);
// One finding for each place where contexts with a lost cancel function are made.
void FindLostCancels(const Situation& s, std::vector<FindingData>& out);

// One finding for each pair of places where two locks are taken in opposite orders.
void FindLockOrders(const Situation& s, std::vector<FindingData>& out);
// Very many tasks at one place that no other finding in `out` speaks of.
void FindGrowth(const Situation& s, std::vector<FindingData>& out);
// Advice on contexts that carry too much.
void FindContextBags(const Situation& s, std::vector<FindingData>& out);

}  // namespace stranded::detector

#endif  // STRANDED_DETECTOR_RULES_WORLD_RULES_H_
