// What formats share that leave the machine: no path of it, and text that any reader takes.
//
// Thread safety: pure functions.
#ifndef STRANDED_DETECTOR_REPORT_PORTABLE_H_
#define STRANDED_DETECTOR_REPORT_PORTABLE_H_

#include <string>
#include <string_view>
#include <vector>

#include "stranded/analysis.h"

namespace stranded::detector {

// A relative path stays, without a leading "./"; of an absolute one only the last part is kept.
// Below `prefix` ("/a/project/") it becomes relative.
std::string PortablePath(std::string_view path, std::string_view prefix = {});
// The same of a source file. Those of the C++ library stay recognisable.
std::string PortableSourcePath(std::string_view file, std::string_view prefix);
void MakeSitesPortable(Dump& dump, std::string_view prefix);
// UTF-8 without control characters other than tab and newline; what is not becomes U+FFFD.
std::string Utf8(std::string_view text);
// The findings as formats print them: no absolute path in any site, frame, sentence or diff.
std::vector<FindingData> PortableFindings(const Analysis& analysis, std::string_view prefix = {});

// The line a reader should be taken to: where it blocks, else what it is about.
const SourceSite& MainSite(const FindingData& data);
// True for findings that hold in this run; false for those about another one.
bool IsError(const FindingData& data);
// The evidence of one finding as plain text, without colour.
std::string Details(const FindingData& data);
// "WithTimeout at a.cc:3", of the context that ended, else of the task's own.
std::string ContextName(const FindingData& data);
// "3 findings, 7 stranded tasks (9 tasks alive, 8 blocked)" or "nothing is stranded (...)".
std::string Verdict(const Analysis& analysis);

}  // namespace stranded::detector

#endif  // STRANDED_DETECTOR_REPORT_PORTABLE_H_
