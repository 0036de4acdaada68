// The manual page, written from what the parser knows.
#ifndef STRANDED_CLI_MANUAL_MAN_PAGE_H_
#define STRANDED_CLI_MANUAL_MAN_PAGE_H_

#include <string>

#include "cli/manual/outline.h"

namespace stranded::cli {

// roff with the man macros.
std::string ManPage(const Outline& outline);

}  // namespace stranded::cli

#endif  // STRANDED_CLI_MANUAL_MAN_PAGE_H_
