// Workflow commands of GitHub Actions: annotations on lines.
#include <algorithm>

#include "absl/strings/str_cat.h"
#include "detector/report/portable.h"
#include "stranded/report.h"

namespace stranded {
namespace {

constexpr std::size_t kMostShown = 10;  // of each level and step; GitHub drops the rest silently

std::string Data(std::string_view text, bool property) {
  std::string out;
  for (const char c : detector::Utf8(text)) {
    switch (c) {
      case '%': out += "%25"; break;
      case '\r': out += "%0D"; break;
      case '\n': out += "%0A"; break;
      case ':': out += property ? "%3A" : ":"; break;
      case ',': out += property ? "%2C" : ","; break;
      default: out += c;
    }
  }
  return out;
}

std::string Command(const FindingData& d) {
  const SourceSite& site = detector::MainSite(d);
  std::string out = detector::IsError(d) ? "::error " : "::warning ";
  if (site.known()) {
    absl::StrAppend(&out, "file=", Data(site.file, true), ",line=", site.line, ",");
    if (site.column != 0) absl::StrAppend(&out, "col=", site.column, ",");
  }
  std::string message = d.title;
  if (!d.contexts.empty()) absl::StrAppend(&message, "\nContext: ", detector::ContextName(d));
  if (d.spawn_site.known()) absl::StrAppend(&message, "\nSpawned at ", d.spawn_site.ToString());
  for (const std::string& line : d.peer) absl::StrAppend(&message, "\n", line);
  for (const std::string& line : d.graph) absl::StrAppend(&message, "\n", line);
  if (!d.fixes.empty()) {
    absl::StrAppend(&message, "\nFix: ", d.fixes[0].summary, " (", d.fixes[0].verification, ")");
  }
  absl::StrAppend(&out, "title=", Data(absl::StrCat("Stranded: ", d.rule, ", ", d.verdict), true),
                  "::", Data(message, false), "\n");
  return out;
}

}  // namespace

std::string GithubReport(const Analysis& analysis) {
  std::vector<FindingData> findings = detector::PortableFindings(analysis);
  std::stable_partition(findings.begin(), findings.end(),
                        [](const FindingData& d) { return detector::IsError(d); });
  std::string out;
  const std::size_t shown = std::min(findings.size(), kMostShown);
  for (std::size_t i = 0; i < shown; ++i) out += Command(findings[i]);
  if (const std::size_t rest = findings.size() - shown; rest > 0) {
    absl::StrAppend(&out, "::notice title=Stranded::", rest,
                    rest == 1 ? " more finding is" : " more findings are",
                    " not shown here: GitHub shows 10 for each step\n");
  }
  return out;
}

}  // namespace stranded
