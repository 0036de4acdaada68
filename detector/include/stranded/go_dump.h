// Go's own goroutine dumps as input: text (debug=2, debug=1, crashes) and pprof profiles,
// packed by gzip or not.
//
// Overview: the last dump is analysed, and those before it where a program ended (a deadlock, a
// test out of time); the others, in the same file or in files given first, tell what grows. The
// result has a native Dump, so that tasks, tree and show work on it, too.
// Thread safety: pure functions. Cost: one pass; memory follows the distinct stacks.
// Errors: NotFound, Unavailable (cannot be read), InvalidArgument (no goroutine in it, damaged).
#ifndef STRANDED_DETECTOR_GO_DUMP_H_
#define STRANDED_DETECTOR_GO_DUMP_H_

#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "stranded/analysis.h"

namespace stranded {

// `head`: the first 64 KiB or so.
bool LooksLikeGo(std::string_view head);
absl::StatusOr<Analysis> AnalyzeGo(std::string_view bytes, const std::string& source,
                                   const AnalysisOptions& options = {});
// The rest of a stream whose begin was read already, to its end; text is not kept.
absl::StatusOr<Analysis> AnalyzeGoStream(std::string_view head, std::FILE* rest,
                                         const std::string& source,
                                         const AnalysisOptions& options = {});
// Files of one program, oldest first.
absl::StatusOr<Analysis> AnalyzeGoFiles(const std::vector<std::string>& paths,
                                        const AnalysisOptions& options = {});
// Whether the file begins like one; false also if it cannot be read.
bool IsGoFile(const std::string& path);

}  // namespace stranded

#endif  // STRANDED_DETECTOR_GO_DUMP_H_
