// One JSON object a line: the run, its findings, and a last line that says that it is all.
#include "detector/model/snapshot.h"
#include "detector/report/finding_json.h"
#include "detector/report/portable.h"
#include "stranded/report.h"

namespace stranded {

using detector::Json;

std::string NdjsonReport(const Analysis& analysis) {
  const AnalysisSummary& s = analysis.summary;
  std::string out;
  const auto line = [&out](const Json& json) {
    out += json.dump(-1, ' ', false, Json::error_handler_t::replace);
    out += '\n';
  };
  Json run = {{"type", "run"}, {"format", "stranded-ndjson"}, {"version", 1}};
  // Of several runs, one after the other: which is of which file.
  const std::string dump = analysis.dump == nullptr ? "" : analysis.dump->source;
  if (!dump.empty()) run["dump"] = detector::PortablePath(dump);
  run.update({{"program", detector::PortablePath(s.program)},
              {"reason", s.reason},
              {"tasks", s.tasks},
              {"blocked", s.blocked},
              {"stranded", s.stranded},
              {"expected", s.expected},
              {"look_again", analysis.look_again},
              {"missing", s.losses}});
  line(run);
  for (const FindingData& d : detector::PortableFindings(analysis)) {
    Json json = {{"type", "finding"}};
    json.update(detector::FindingJson(d));
    line(json);
  }
  line({{"type", "end"}, {"findings", analysis.findings.size()}, {"whole", !s.partly_lost}});
  return out;
}

}  // namespace stranded
