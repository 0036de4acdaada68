// Markdown, as for a job summary: a table, then each finding with its evidence folded.
#include <algorithm>

#include "absl/strings/str_cat.h"
#include "detector/report/outcome.h"
#include "detector/report/portable.h"
#include "stranded/report.h"

namespace stranded {

using detector::Utf8;

namespace {

// GitHub refuses a job summary of more than 1 MiB as a whole.
constexpr std::size_t kMostBytes = 900'000;

std::string Escaped(std::string_view text) {
  std::string out;
  for (const char c : Utf8(text)) {
    if (c == '\n') {
      out += ' ';
    } else if (c == '<') {
      out += "&lt;";
    } else if (c == '&') {
      out += "&amp;";
    } else {
      if (std::string_view("\\`*_[]|#~$").find(c) != std::string_view::npos) out += '\\';
      out += c;
    }
  }
  return out;
}

// A block that no text can end early.
std::string Fenced(std::string_view language, std::string_view raw) {
  const std::string text = Utf8(raw);
  std::size_t longest = 0, run = 0;
  for (const char c : text) longest = std::max(longest, run = c == '`' ? run + 1 : 0);
  const std::string fence(std::max<std::size_t>(3, longest + 1), '`');
  return absl::StrCat(fence, std::string(language), "\n", text,
                      !text.empty() && text.back() == '\n' ? "" : "\n", fence, "\n");
}

std::string TableRow(std::size_t number, const FindingData& d) {
  return absl::StrCat("| ", number, " | ", Escaped(d.title), " | ", Escaped(d.rule), " | ",
                      Escaped(d.verdict), " | ", Escaped(detector::MainSite(d).ToString()), " | ",
                      d.task_count, " |\n");
}

std::string Section(std::size_t number, const FindingData& d) {
  std::string out = absl::StrCat("\n### ", number, ". ", Escaped(d.title), "\n\n");
  for (const Fix& fix : d.fixes) {
    absl::StrAppend(&out, &fix == &d.fixes.front() ? "**Fix:** " : "**Or:** ", Escaped(fix.summary),
                    " ", Escaped(fix.reason), " (", Escaped(fix.verification), ")\n\n");
    for (const std::string& w : fix.warnings) {
      absl::StrAppend(&out, "- check: ", Escaped(w), "\n");
    }
    if (!fix.warnings.empty()) out += '\n';
    if (!fix.diff.empty()) absl::StrAppend(&out, Fenced("diff", fix.diff), "\n");
  }
  FindingData evidence = d;  // the fixes stand above
  evidence.fixes.clear();
  absl::StrAppend(&out, "<details><summary>Evidence</summary>\n\n",
                  Fenced("text", detector::Details(evidence)), "\n</details>\n");
  return out;
}

}  // namespace

std::string MarkdownReport(const Analysis& analysis) {
  const std::vector<FindingData> findings = detector::PortableFindings(analysis);
  std::string out = absl::StrCat("## Stranded: ", detector::Verdict(analysis), "\n");
  if (analysis.look_again > 0) {
    absl::StrAppend(&out, "\n", detector::LookAgain(analysis), ".\n");
  }
  for (const std::string& loss : analysis.summary.losses) {
    absl::StrAppend(&out, "\nMissing: ", Escaped(loss), "\n");
  }
  if (findings.empty()) return out;
  std::string table =
      "\n| # | finding | rule | verdict | where | tasks |\n"
      "| --: | --- | --- | --- | --- | --: |\n";
  std::string sections;
  std::size_t shown = 0;
  for (const FindingData& d : findings) {
    const std::string row = TableRow(shown + 1, d), section = Section(shown + 1, d);
    if (out.size() + table.size() + sections.size() + row.size() + section.size() > kMostBytes) {
      break;
    }
    table += row;
    sections += section;
    ++shown;
  }
  absl::StrAppend(&out, table, sections);
  if (shown < findings.size()) {
    absl::StrAppend(&out, "\n", findings.size() - shown,
                    " more findings are left out: a job summary holds 1 MiB.\n");
  }
  return out;
}

}  // namespace stranded
