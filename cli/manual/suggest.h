// "Did you mean ...?"
//
// Thread safety: pure functions.
#ifndef STRANDED_CLI_MANUAL_SUGGEST_H_
#define STRANDED_CLI_MANUAL_SUGGEST_H_

#include <string>
#include <vector>

namespace stranded::cli {

// The word that was probably meant; empty if none is near.
std::string Nearest(const std::string& given, const std::vector<std::string>& known);
// "; did you mean 'report'?" or nothing.
std::string DidYouMean(const std::string& given, const std::vector<std::string>& known);

}  // namespace stranded::cli

#endif  // STRANDED_CLI_MANUAL_SUGGEST_H_
