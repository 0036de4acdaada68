// Input that was packed by gzip.
#ifndef STRANDED_DETECTOR_INPUT_GUNZIP_H_
#define STRANDED_DETECTOR_INPUT_GUNZIP_H_

#include <cstddef>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace stranded::detector {

bool LooksLikeGzip(std::string_view head);
// Errors: InvalidArgument (damaged, cut), ResourceExhausted (more than 256 MiB).
absl::StatusOr<std::string> Gunzip(std::string_view bytes);
// The first bytes of what is in it, as far as `head` has them.
std::string GunzipHead(std::string_view head, std::size_t most);

}  // namespace stranded::detector

#endif  // STRANDED_DETECTOR_INPUT_GUNZIP_H_
