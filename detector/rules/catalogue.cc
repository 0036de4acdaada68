#include <algorithm>

#include "absl/strings/str_cat.h"
#include "detector/rules/rule.h"
#include "detector/rules/world_rules.h"

namespace stranded::detector {
const std::vector<const Rule*>& TaskRules() {
  static const auto& rules = *new std::vector<const Rule*>{
      &kNilChannel,    &kEmptySelect,      &kSelfDeadlock,   &kLockCycle,       &kWaitCycle,
      &kLockChanCycle, &kOversizedAcquire, &kSemaphoreCycle, &kOrphanedLock,    &kCancelledSend,
      &kCancelledRecv, &kCancelledSelect,  &kCancelledWait,  &kUnclosedChannel, &kWaitGroupStuck,
      &kCondStuck,     &kOnceStuck,        &kAbandonedSend,  &kAbandonedRecv,   &kOutlivedScope};
  return rules;
}

absl::Status KnownRules(const std::vector<std::string>& ids) {
  for (const std::string& id : ids) {
    if (std::ranges::none_of(RuleCatalogue(), [&](const auto& text) { return text.id == id; })) {
      return absl::InvalidArgumentError(
          absl::StrCat("there is no rule '", id, "'; `stranded explain` lists them"));
    }
  }
  return absl::OkStatus();
}

}  // namespace stranded::detector

namespace stranded {

const std::vector<RuleText>& RuleCatalogue() {
  static const auto& texts = *[] {
    auto* all = new std::vector<RuleText>;
    for (const detector::Rule* rule : detector::TaskRules()) all->push_back(rule->text);
    all->push_back(detector::kGlobalDeadlockText);
    all->push_back(detector::kLostCancelText);
    all->push_back(detector::kLockOrderText);
    all->push_back(detector::kGrowthText);
    all->push_back(detector::kContextBagText);
    return all;
  }();
  return texts;
}

}  // namespace stranded
