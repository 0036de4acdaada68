// Files that are read whole: baselines and suppressions.
#ifndef STRANDED_DETECTOR_REPORT_SMALL_FILE_H_
#define STRANDED_DETECTOR_REPORT_SMALL_FILE_H_

#include <string>

#include "absl/status/statusor.h"

namespace stranded::detector {

// `what` it should hold stands in the message. NotFound if there is none, FailedPrecondition if it
// is a folder.
absl::StatusOr<std::string> ReadSmallFile(const std::string& path, const std::string& what);

}  // namespace stranded::detector

#endif  // STRANDED_DETECTOR_REPORT_SMALL_FILE_H_
