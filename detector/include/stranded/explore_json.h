// Results of explorations between a program that explores itself and the command line.
#ifndef STRANDED_DETECTOR_EXPLORE_JSON_H_
#define STRANDED_DETECTOR_EXPLORE_JSON_H_

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "stranded/explore.h"

namespace stranded::detector {

// One line, which says nothing of `source_root`. A reader gets back of findings what stands in it.
std::string ExploreJson(const ExploreResult& result);
absl::StatusOr<ExploreResult> ParseExploreJson(std::string_view line);

}  // namespace stranded::detector

#endif  // STRANDED_DETECTOR_EXPLORE_JSON_H_
