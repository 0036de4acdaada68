#include "cli/version.h"

#include "stranded_commit.h"  // made by cmake/commit.cmake at each build

namespace stranded::cli {

const char* const kVersion = STRANDED_VERSION;
const char* const kCommit = STRANDED_COMMIT;

}  // namespace stranded::cli
