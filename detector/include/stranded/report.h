// Reports: one function for each output format.
//
// Thread safety: pure functions.
#ifndef STRANDED_DETECTOR_REPORT_H_
#define STRANDED_DETECTOR_REPORT_H_

#include <string>

#include "stranded/analysis.h"

namespace stranded {

struct TextOptions {
  bool color = false;
  bool stacks = true;
  std::size_t max_findings = 0;  // 0: all
};

// For people: verdict and counts first, then each finding with its evidence and fixes.
std::string TextReport(const Analysis& analysis, const TextOptions& options = {});
// One finding alone, as it stands in the report.
std::string TextFinding(const Finding& finding, const TextOptions& options = {});

// For programs: version 1 of the schema in docs/report.schema.json.
std::string JsonReport(const Analysis& analysis);

// For other programs. None of these holds an absolute path: of such only the last part is kept.
std::string MarkdownReport(const Analysis& analysis);  // a job summary
std::string HtmlReport(const Analysis& analysis);      // one page that needs nothing else
// SARIF 2.1.0. The hash of a line is GitHub's, where the source is found below `source_root`.
std::string SarifReport(const Analysis& analysis, const std::string& source_root = ".");
std::string JunitReport(const Analysis& analysis);
std::string GithubReport(const Analysis& analysis);  // workflow commands, at most 10
std::string GitlabReport(const Analysis& analysis);  // code quality
std::string NdjsonReport(const Analysis& analysis);
std::string DotReport(const Analysis& analysis);       // wait-for graph, for graphviz
std::string PprofReport(const Analysis& analysis);     // binary: gzip
std::string PerfettoReport(const Analysis& analysis);  // binary

// Contexts and the tasks below them, with equal subtrees folded and counted.
std::string TreeReport(const Analysis& analysis);
// One line for each task. `sort` is one of id, age, state, name.
struct TaskFilter {
  std::string state;  // empty: all
  std::string sort = "id";
  std::string site;  // part of a wait or spawn site
};
std::string TaskTable(const Analysis& analysis, const TaskFilter& filter = {});
// All that is known of one task or channel, by id; empty if there is none.
std::string ShowTask(const Analysis& analysis, std::uint64_t id);
std::string ShowChannel(const Analysis& analysis, std::uint64_t id);

}  // namespace stranded

#endif  // STRANDED_DETECTOR_REPORT_H_
