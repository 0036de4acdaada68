// Paths in reports: relative to where the sources are, and none of the machine that built them.
//
// Thread safety: pure functions.
#ifndef STRANDED_DETECTOR_PATHS_H_
#define STRANDED_DETECTOR_PATHS_H_

#include <string>
#include <string_view>

#include "stranded/analysis.h"

namespace stranded {

// The folder as it stands before the paths below it: "/a/project/". Empty if there is none.
std::string PathPrefix(const std::string& folder);
// What of `path` comes after the prefix; the whole path if it does not begin with it.
std::string_view BelowPrefix(std::string_view path, std::string_view prefix);

// A file or another word as it is typed for a shell: quoted if it needs that.
std::string ShellWord(const std::string& word);

// The analysis with every path relative to the prefix, where it is below it. Of other absolute
// paths only the last part stays.
Analysis WithoutMachinePaths(const Analysis& analysis, std::string_view prefix);
// The same in place, with the sites of its dump, of which the analysis must be the only owner.
void DropMachinePaths(Analysis& analysis, std::string_view prefix);

}  // namespace stranded

#endif  // STRANDED_DETECTOR_PATHS_H_
