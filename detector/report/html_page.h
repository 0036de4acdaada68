// The parts of the report page, put together in html.cc.
//
// Thread safety: pure functions.
#ifndef STRANDED_DETECTOR_REPORT_HTML_PAGE_H_
#define STRANDED_DETECTOR_REPORT_HTML_PAGE_H_

#include <string>
#include <string_view>
#include <vector>

#include "detector/report/finding_json.h"
#include "stranded/analysis.h"

namespace stranded::detector {

// The bundle made from page/src, and the SHA-256 of each in hexadecimal digits.
extern const std::string_view kPageScript, kPageStyle;
extern const std::string_view kPageScriptSha256, kPageStyleSha256;

// Whose code a frame is.
enum class FrameOwner { kUser, kLibrary, kRuntime };
FrameOwner OwnerOf(const StackFrame& frame);

// One finding, complete without any script. `owners`: of its frames.
std::string HtmlFinding(const FindingData& d, std::size_t number,
                        const std::vector<FrameOwner>& owners, std::string_view dump_file);

// What the script works on: see page/src/model.ts, which names the columns.
Json PageData(const Analysis& analysis, const std::vector<FindingData>& findings);

// Beyond this many tasks the page holds those of findings first, and says so.
inline constexpr std::size_t kMostPageTasks = 50'000;

}  // namespace stranded::detector

#endif  // STRANDED_DETECTOR_REPORT_HTML_PAGE_H_
