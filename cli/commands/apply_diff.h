// Applies the one-hunk diffs that this program makes itself.
#ifndef STRANDED_CLI_COMMANDS_APPLY_DIFF_H_
#define STRANDED_CLI_COMMANDS_APPLY_DIFF_H_

#include <string>

#include "absl/status/statusor.h"

namespace stranded::cli {

// Edits the file under `root` that the diff names, and returns its path. The file is left alone,
// with an error, if the lines that the diff expects do not stand there.
absl::StatusOr<std::string> ApplyDiff(const std::string& diff, const std::string& root);

}  // namespace stranded::cli

#endif  // STRANDED_CLI_COMMANDS_APPLY_DIFF_H_
