// Long lines of a report, broken where a terminal is narrower.
//
// Thread safety: pure function.
#ifndef STRANDED_CLI_TERMINAL_WRAP_H_
#define STRANDED_CLI_TERMINAL_WRAP_H_

#include <cstddef>
#include <string>

namespace stranded::cli {

// Breaks at spaces and indents what follows below the text of its row. Diffs and
// commands, which are to be copied, and words stay whole. 0: nothing is broken.
std::string WrapReport(const std::string& report, std::size_t width);

}  // namespace stranded::cli

#endif  // STRANDED_CLI_TERMINAL_WRAP_H_
