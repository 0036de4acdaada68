// JUnit XML: a failed test case for each finding, or one that passes.
#include <algorithm>
#include <set>

#include "absl/strings/str_cat.h"
#include "detector/report/outcome.h"
#include "detector/report/portable.h"
#include "stranded/report.h"

namespace stranded {
namespace {

std::string Xml(std::string_view text) {
  std::string out;
  for (const char c : detector::Utf8(text)) {
    switch (c) {
      case '&': out += "&amp;"; break;
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '"': out += "&quot;"; break;
      default: out += c;
    }
  }
  return out;
}

// In an attribute a newline or tab would be read as a blank.
std::string Attribute(std::string_view name, std::string_view text) {
  std::string value;
  for (const char c : Xml(text)) {
    if (c == '\n') {
      value += "&#10;";
    } else if (c == '\t') {
      value += "&#9;";
    } else {
      value += c;
    }
  }
  return absl::StrCat(" ", std::string(name), "=\"", value, "\"");
}

std::string Case(const FindingData& d, const std::string& name) {
  const SourceSite& site = detector::MainSite(d);
  std::string out =
      absl::StrCat("    <testcase", Attribute("classname", absl::StrCat("stranded.", d.rule)),
                   Attribute("name", name));
  if (site.known()) {
    absl::StrAppend(&out, Attribute("file", site.file), Attribute("line", absl::StrCat(site.line)));
  }
  absl::StrAppend(&out, " time=\"0\">\n      <failure", Attribute("message", d.title),
                  Attribute("type", absl::StrCat(d.rule, ", ", d.verdict)), ">",
                  Xml(detector::Details(d)), "</failure>\n    </testcase>\n");
  return out;
}

}  // namespace

std::string JunitReport(const Analysis& analysis) {
  const std::vector<FindingData> findings = detector::PortableFindings(analysis);
  std::string cases, losses;
  std::set<std::string> names;  // of equal ones GitLab takes the first only
  for (const FindingData& d : findings) {
    const std::string base = absl::StrCat(d.title, " (", d.fingerprint, ")");
    std::string name = base;
    for (int n = 2; !names.insert(name).second; ++n) name = absl::StrCat(base, " #", n);
    cases += Case(d, name);
  }
  for (const std::string& loss : analysis.summary.losses) absl::StrAppend(&losses, loss, "\n");
  const bool lost = analysis.summary.partly_lost;
  if (lost) {
    absl::StrAppend(&cases, "    <testcase classname=\"stranded\" name=\"the dump is whole\" ",
                    "time=\"0\">\n      <error message=\"the dump is partly lost\">", Xml(losses),
                    "</error>\n    </testcase>\n");
  } else if (findings.empty()) {
    cases = absl::StrCat("    <testcase classname=\"stranded\" name=\"",
                         Xml(detector::Outcome(analysis)), "\" time=\"0\"/>\n");
  }
  const std::size_t tests = lost ? findings.size() + 1 : std::max<std::size_t>(findings.size(), 1);
  const std::string counts =
      absl::StrCat(" tests=\"", tests, "\" failures=\"", findings.size(), "\" errors=\"",
                   lost ? 1 : 0, "\" skipped=\"0\" time=\"0\"");
  std::string out =
      absl::StrCat("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites", " name=\"stranded\"",
                   counts, ">\n  <testsuite", " name=\"stranded\"", counts, ">\n", cases);
  absl::StrAppend(&out, "    <system-out>", Xml(detector::Verdict(analysis)), "\n", Xml(losses),
                  "</system-out>\n  </testsuite>\n</testsuites>\n");
  return out;
}

}  // namespace stranded
