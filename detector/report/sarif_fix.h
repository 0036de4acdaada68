// A unified diff as the edits of a SARIF fix.
//
// Thread safety: pure function.
#ifndef STRANDED_DETECTOR_REPORT_SARIF_FIX_H_
#define STRANDED_DETECTOR_REPORT_SARIF_FIX_H_

#include <string>

#include "detector/report/finding_json.h"

namespace stranded::detector {

// A path as a relative URI reference.
std::string UriOf(const std::string& path);
// {"uri": ..., "uriBaseId": "%SRCROOT%"}
Json ArtifactOf(const std::string& path);
// artifactChange objects; empty if the diff holds no edit.
Json ArtifactChanges(const std::string& diff);

}  // namespace stranded::detector

#endif  // STRANDED_DETECTOR_REPORT_SARIF_FIX_H_
