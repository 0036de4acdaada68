// What tests of the explorer ask for, and how they read what comes.
#ifndef STRANDED_TESTS_DETECTOR_EXPLORE_SUPPORT_H_
#define STRANDED_TESTS_DETECTOR_EXPLORE_SUPPORT_H_

#include <string>

#include "stranded/explore.h"

namespace stranded {

inline ExploreOptions WithPolicy(const std::string& policy, int schedules) {
  ExploreOptions options;
  options.policy = policy;
  options.schedules = schedules;
  return options;
}

// Of the first bad end, each followed by a space.
inline std::string Rules(const ExploreResult& result) {
  std::string rules;
  if (result.clean()) return rules;
  for (const Finding& f : result.bad()->report.findings()) rules += std::string(f.rule()) + " ";
  return rules;
}

}  // namespace stranded

#endif  // STRANDED_TESTS_DETECTOR_EXPLORE_SUPPORT_H_
