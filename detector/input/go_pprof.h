// Goroutine and goroutineleak profiles of Go, as protobuf, gzipped or not.
#ifndef STRANDED_DETECTOR_INPUT_GO_PPROF_H_
#define STRANDED_DETECTOR_INPUT_GO_PPROF_H_

#include <string_view>

#include "absl/status/status.h"
#include "detector/input/go_model.h"

namespace stranded::detector {

// Appends one dump. Errors: InvalidArgument (no such profile, damaged), ResourceExhausted.
absl::Status ReadGoPprof(std::string_view bytes, std::string_view source, GoDumps& out);

bool LooksLikeGzip(std::string_view head);
// Whether it begins like a profile that is not compressed; the reader knows for sure.
bool LooksLikeGoPprof(std::string_view head);

}  // namespace stranded::detector

#endif  // STRANDED_DETECTOR_INPUT_GO_PPROF_H_
