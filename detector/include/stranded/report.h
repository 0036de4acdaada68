// Reports: one function for each output format.
//
// Thread safety: pure functions.
#ifndef STRANDED_DETECTOR_REPORT_H_
#define STRANDED_DETECTOR_REPORT_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/functional/function_ref.h"
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
// One line for each task. Columns are named as in TaskColumns().
struct TaskFilter {
  std::string state;  // empty: all but finished
  std::string site;   // part of a wait or spawn site
  // Not those whose wait or spawn site has one of these in file:line or function.
  std::vector<std::string> ignore;
  std::uint64_t context = 0;  // this context or one below it; 0: any
  std::uint64_t channel = 0;  // waits for this channel; 0: any
  std::int64_t min_age_ns = 0;
  bool in_findings = false;  // only tasks of the analysis' findings
  std::string sort = "id";   // a column; age: oldest first
  bool reverse = false;
  std::vector<std::string> columns;  // empty: the usual ones
  std::size_t width = 0;             // of a line; 0: as long as it gets
};
const std::vector<std::string>& TaskColumns();
// With AnalysisOptions::most_tasks_listed as it is, only the first tasks of a finding have a rule.
std::string TaskTable(const Analysis& analysis, const TaskFilter& filter = {});
// The same in pieces of whole lines, for millions of tasks.
void TaskTable(const Analysis& analysis, const TaskFilter& filter,
               absl::FunctionRef<void(std::string_view)> write);

// Whether the dump has a context or channel with that id.
bool HasContext(const Analysis& analysis, std::uint64_t id);
bool HasChannel(const Analysis& analysis, std::uint64_t id);

// All that is known of one object, by id, and the commands that lead on from it; empty if there is
// none.
struct ShowOptions {
  std::string file = "FILE";   // in those commands, as a shell reads it
  bool all_frames = false;     // of the stack; else the user's only
  bool absolute_paths = true;  // of the stack; else relative to the prefix, or the last part
  std::string path_prefix;
  bool color = false;
};
std::string ShowTask(const Analysis& analysis, std::uint64_t id, const ShowOptions& options = {});
std::string ShowChannel(const Analysis& analysis, std::uint64_t id,
                        const ShowOptions& options = {});
std::string ShowContext(const Analysis& analysis, std::uint64_t id,
                        const ShowOptions& options = {});
std::string ShowSync(const Analysis& analysis, std::uint64_t id, const ShowOptions& options = {});
// By fingerprint, or by its number in the report.
std::string ShowFinding(const Analysis& analysis, const std::string& which,
                        const ShowOptions& options = {});

}  // namespace stranded

#endif  // STRANDED_DETECTOR_REPORT_H_
