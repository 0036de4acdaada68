#include "detector/rules/hidden.h"

#include <set>
#include <string_view>

#include "detector/report/outcome.h"
#include "detector/rules/fingerprint.h"

namespace stranded::detector {

bool CountsHidden(const AnalysisOptions& options) {
  return options.count_hidden && !(options.rules.empty() && options.ignore.empty());
}

AnalysisOptions WithoutFilters(AnalysisOptions options) {
  options.rules.clear();
  options.ignore.clear();
  options.count_hidden = false;
  return options;
}

void NoteHidden(const Analysis& all, Analysis& shown) {
  std::set<std::string> known;
  for (const Finding& f : shown.findings) known.insert(CauseKey(f.data()));
  shown.summary.hidden = 0;
  for (const Finding& f : all.findings) shown.summary.hidden += !known.contains(CauseKey(f.data()));
  if (shown.summary.hidden > 0) shown.summary.losses.push_back(HiddenText(shown.summary.hidden));
}

}  // namespace stranded::detector
