// What `stranded fix` tried, for people.
#include <algorithm>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/str_cat.h"
#include "detector/explore/progress.h"
#include "stranded/verify.h"

namespace stranded {

std::string_view FixStatusName(FixStatus status) {
  switch (status) {
    case FixStatus::kVerified: return "verified";
    case FixStatus::kPart: return "part of a fix";
    case FixStatus::kRefuted: return "refuted";
    case FixStatus::kNotTestable: return "not testable";
  }
  return "";
}

std::vector<const FixTrial*> FixSearch::LookFirst() const {
  std::set<std::string_view> rules;
  for (const FixTrial& trial : trials) {
    const bool taken = std::any_of(chosen.begin(), chosen.end(),
                                   [&](const Fix& fix) { return fix.patch == trial.fix.patch; });
    if (detector::EndsWaitsOnly(trial.fix) && taken) rules.insert(trial.rule);
  }
  std::vector<const FixTrial*> first;
  for (const FixTrial& trial : trials) {
    const bool known = std::any_of(first.begin(), first.end(), [&](const FixTrial* other) {
      return other->fix.summary == trial.fix.summary;
    });
    if (trial.status == FixStatus::kNotTestable && rules.contains(trial.rule) && !known) {
      first.push_back(&trial);
    }
  }
  return first;
}

std::string FixSearch::ToText() const {
  std::string out;
  for (const FixTrial& t : trials) {
    absl::StrAppend(&out, "  ", std::string(FixStatusName(t.status)), ": ", t.fix.summary,
                    "\n      ", t.evidence, "\n");
  }
  return out;
}

}  // namespace stranded
