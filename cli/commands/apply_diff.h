// Applies the one-hunk diffs that this program makes itself.
#ifndef STRANDED_CLI_COMMANDS_APPLY_DIFF_H_
#define STRANDED_CLI_COMMANDS_APPLY_DIFF_H_

#include <cstddef>
#include <set>
#include <string>
#include <utility>

#include "absl/status/statusor.h"

namespace stranded::cli {

// Files and lines (from 1) that were edited before.
using EditedLines = std::set<std::pair<std::string, std::size_t>>;

// Edits the file under `root` that the diff names, and returns its path. The file is left alone,
// with an error, if the lines that the diff expects do not stand there; lines around the edit may
// be among those edited before, to which it adds its own.
absl::StatusOr<std::string> ApplyDiff(const std::string& diff, const std::string& root,
                                      EditedLines& edited);

}  // namespace stranded::cli

#endif  // STRANDED_CLI_COMMANDS_APPLY_DIFF_H_
