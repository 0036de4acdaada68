// Which Stranded this is.
#ifndef STRANDED_CLI_VERSION_H_
#define STRANDED_CLI_VERSION_H_

namespace stranded::cli {

extern const char* const kVersion;  // "0.1.0"
extern const char* const
    kCommit;  // short hash, with "+" if files were changed; "unknown" outside git

}  // namespace stranded::cli

#endif  // STRANDED_CLI_VERSION_H_
