// From the model of Go's dumps to an Analysis.
#ifndef STRANDED_DETECTOR_GO_FINDINGS_H_
#define STRANDED_DETECTOR_GO_FINDINGS_H_

#include <memory>

#include "detector/input/go_model.h"
#include "stranded/analysis.h"

namespace stranded::detector {

// Of the last dump in it, and of programs that ended before; there must be a dump.
Analysis AnalyzeGoModel(std::shared_ptr<const GoDumps> all, const AnalysisOptions& options);

}  // namespace stranded::detector

#endif  // STRANDED_DETECTOR_GO_FINDINGS_H_
