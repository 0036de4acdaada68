// GitLab's code quality report: a JSON array.
#include <set>

#include "absl/strings/str_cat.h"
#include "detector/report/finding_json.h"
#include "detector/report/portable.h"
#include "stranded/report.h"

namespace stranded {

using detector::Json;

namespace {

const char* Severity(const FindingData& d) {
  if (d.verdict == "proven") return "critical";
  return detector::IsError(d) ? "major" : "minor";
}

}  // namespace

std::string GitlabReport(const Analysis& analysis) {
  Json out = Json::array();
  std::set<std::string> used;  // GitLab wants each fingerprint once
  for (const FindingData& d : detector::PortableFindings(analysis)) {
    std::string fingerprint = d.fingerprint;
    for (int n = 2; !used.insert(fingerprint).second; ++n) {
      fingerprint = absl::StrCat(d.fingerprint, "-", n);
    }
    const SourceSite& site = detector::MainSite(d);
    const std::string program = detector::PortablePath(analysis.summary.program);
    std::string text = d.title;
    if (!d.fixes.empty()) absl::StrAppend(&text, ". Fix: ", d.fixes[0].summary);
    const std::string path = site.known() ? site.file : program.empty() ? "unknown" : program;
    const std::uint32_t line = site.known() ? site.line : 1;
    const Json location = {{"path", path}, {"lines", {{"begin", line}}}};
    out.push_back(Json::object({{"description", text},
                                {"check_name", d.rule},
                                {"fingerprint", fingerprint},
                                {"severity", Severity(d)},
                                {"location", location}}));
  }
  return out.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace stranded
