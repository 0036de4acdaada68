// What --rule and --ignore leave out: a filter must not make an all-clear.
#ifndef STRANDED_DETECTOR_RULES_HIDDEN_H_
#define STRANDED_DETECTOR_RULES_HIDDEN_H_

#include "stranded/analysis.h"

namespace stranded::detector {

// The filters are on, and somebody wants to know what they hide.
bool CountsHidden(const AnalysisOptions& options);
// The same options without filters.
AnalysisOptions WithoutFilters(AnalysisOptions options);
// Notes in `shown` which findings of `all` it does not have.
void NoteHidden(const Analysis& all, Analysis& shown);

}  // namespace stranded::detector

#endif  // STRANDED_DETECTOR_RULES_HIDDEN_H_
