// Which goroutines are stranded, by which rule, and how sure that is.
#ifndef STRANDED_DETECTOR_GO_RULES_H_
#define STRANDED_DETECTOR_GO_RULES_H_

#include <string>
#include <vector>

#include "detector/go/piles.h"
#include "stranded/analysis.h"

namespace stranded::detector {

struct GoVerdict {
  std::string rule;  // empty: no finding
  std::string verdict, why;
  bool look_again = false;
};
GoVerdict JudgeGo(const GoDumps& all, const GoDump& dump, const GoPicture& picture,
                  const GoPile& pile, const AnalysisOptions& options);

// Mutexes whose waiters mention each other's: a hint at a cycle.
struct GoLockCycle {
  std::vector<const GoLockWaiter*> members;  // each mentions the mutex of the next
  std::vector<const GoLockWaiter*> victims;  // wait for a lock of the cycle
};
// `stopped`: nothing in it could run any more.
std::vector<GoLockCycle> FindGoLockCycles(const GoDump& dump, bool stopped);

// The fixes for goroutines of one finding, in Go's terms.
void AddGoFixes(const GoDumps& all, const GoPile& pile, FindingData& out);

}  // namespace stranded::detector

#endif  // STRANDED_DETECTOR_GO_RULES_H_
