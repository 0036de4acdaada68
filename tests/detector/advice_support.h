// What real programs are told, on many schedules.
#ifndef STRANDED_TESTS_DETECTOR_ADVICE_SUPPORT_H_
#define STRANDED_TESTS_DETECTOR_ADVICE_SUPPORT_H_

#include <cstdint>
#include <functional>
#include <source_location>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "stranded/explore.h"
#include "tests/detector/dump_builder.h"

namespace stranded {

inline constexpr int kSeeds = 30;

// The findings of one schedule for each seed.
inline std::vector<Finding> Findings(const std::function<void()>& body,
                                     absl::Duration delay = absl::Milliseconds(5)) {
  std::vector<Finding> all;
  for (int seed = 1; seed <= kSeeds; ++seed) {
    ExploreOptions options;
    options.schedules = 1;
    options.policy = "random";
    options.seed = static_cast<std::uint64_t>(seed);
    options.minimize = false;
    options.delay_budget = delay;
    const ExploreResult result = Explore(options, body);
    if (result.clean()) continue;
    for (const Finding& f : result.bad()->report.findings()) all.push_back(f);
  }
  return all;
}

inline std::vector<std::string> Texts(const std::vector<Finding>& findings) {
  std::vector<std::string> texts;
  for (const Finding& f : findings) texts.push_back(detector::AllText(f));
  return texts;
}

inline std::uint32_t Here(std::source_location at = std::source_location::current()) {
  return at.line();
}

}  // namespace stranded

#endif  // STRANDED_TESTS_DETECTOR_ADVICE_SUPPORT_H_
