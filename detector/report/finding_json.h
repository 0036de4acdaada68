// A finding as JSON, as it stands in reports and in results of explorations.
#ifndef STRANDED_DETECTOR_REPORT_FINDING_JSON_H_
#define STRANDED_DETECTOR_REPORT_FINDING_JSON_H_

#include <nlohmann/json.hpp>

#include "stranded/finding.h"

namespace stranded::detector {

using Json = nlohmann::ordered_json;

Json FindingJson(const FindingData& data);
Json FixJson(const Fix& fix);

}  // namespace stranded::detector

#endif  // STRANDED_DETECTOR_REPORT_FINDING_JSON_H_
