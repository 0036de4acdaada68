// Text from a dump inside a page: names and messages are anybody's.
//
// Thread safety: pure functions.
#ifndef STRANDED_DETECTOR_REPORT_HTML_ESCAPE_H_
#define STRANDED_DETECTOR_REPORT_HTML_ESCAPE_H_

#include <string>
#include <string_view>

#include "detector/report/finding_json.h"

namespace stranded::detector {

// For text and for attributes in double quotes. Valid UTF-8 without control characters.
std::string EscapeHtml(std::string_view text);
// JSON on one line that cannot end the script element it stands in, nor open a comment.
std::string JsonForScript(const Json& json);
std::string Base64(std::string_view bytes);

}  // namespace stranded::detector

#endif  // STRANDED_DETECTOR_REPORT_HTML_ESCAPE_H_
