// The mapped file of a trace (docs/recording.md) as a dump with one snapshot.
//
// Overview: what a process leaves behind a SIGKILL, or shows while it runs. Torn records are left
// out and counted. The snapshot claims less than an ordinary one: no world is known to be quiet, a
// wait that is not completely described counts as one that may end. Thread safety: pure functions.
// Errors: InvalidArgument (no whole header), Unimplemented (newer).
#ifndef STRANDED_DETECTOR_INPUT_MAPPED_FILE_H_
#define STRANDED_DETECTOR_INPUT_MAPPED_FILE_H_

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "detector/model/snapshot.h"

namespace stranded::detector {

bool IsMappedFile(std::string_view bytes);
// dump.bytes holds the file, or a copy made by CopyMappedFile().
absl::Status ReadMappedFile(Dump& dump);
// Reads a file that its process may be writing: each record whole, or not at all. `fd` stays open.
absl::StatusOr<std::string> CopyMappedFile(int fd, const std::string& name);

}  // namespace stranded::detector

#endif  // STRANDED_DETECTOR_INPUT_MAPPED_FILE_H_
