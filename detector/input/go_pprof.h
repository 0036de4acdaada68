// Goroutine and goroutineleak profiles of Go, as protobuf that is not packed.
#ifndef STRANDED_DETECTOR_INPUT_GO_PPROF_H_
#define STRANDED_DETECTOR_INPUT_GO_PPROF_H_

#include <string_view>

#include "absl/status/status.h"
#include "detector/input/go_model.h"

namespace stranded::detector {

// Appends one dump. Errors: InvalidArgument (no such profile, damaged).
absl::Status ReadGoPprof(std::string_view bytes, std::string_view source, GoDumps& out);

}  // namespace stranded::detector

#endif  // STRANDED_DETECTOR_INPUT_GO_PPROF_H_
