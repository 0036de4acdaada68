// Reading dump files.
//
// Overview: a dump is a stream of packets with checksums; what is damaged is skipped and counted, a
// cut tail is normal. Refused are only files that are no dumps at all, empty ones, and those of a
// newer major version. Errors: NotFound, Unavailable (cannot be read), InvalidArgument (empty or
// foreign), Unimplemented (newer). Each says what, where and what to do.
#ifndef STRANDED_DETECTOR_DUMP_READER_H_
#define STRANDED_DETECTOR_DUMP_READER_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"

namespace stranded::detector {

struct Dump;

// `source` stands in messages; sites below `source_root` become relative to it. Memory stays within
// a small multiple of the bytes.
absl::StatusOr<std::shared_ptr<const Dump>> ReadDump(std::string bytes, std::string source,
                                                     const std::string& source_root = "");
// "-" reads standard input.
absl::StatusOr<std::shared_ptr<const Dump>> ReadDumpFile(const std::string& path,
                                                         const std::string& source_root = "");

}  // namespace stranded::detector

#endif  // STRANDED_DETECTOR_DUMP_READER_H_
