// Everything that is measured of one bug.
#ifndef STRANDED_TESTS_CORPUS_EXAMINE_H_
#define STRANDED_TESTS_CORPUS_EXAMINE_H_

#include <string>
#include <vector>

#include "stranded/verify.h"
#include "tests/corpus/facts.h"
#include "tests/corpus/kernel.h"

namespace stranded::corpus {

struct Measured {
  int pct = 0, pct_worst = 0;        // schedules to the first detection: median, most of all seeds
  int random = 0, random_worst = 0;  // 0: not found in 100
  int missed = 0;                    // of the base seeds, by pct
  int exhaustive = 0;                // schedules; 0: not found
  BlockedSet blocked;                // of the first detection that matches, else of the first
  bool set_matches = false;
  std::string rule, verdict, cause;
  FixSearch fixes;
  std::string top_kind;  // of the best verified fix; empty: none
  int top_capacity = 0;
  bool top_at_mark = false;  // where the real fix was made
  bool verified = false;
  std::size_t twin_findings = 0;
  std::string twin_report;
  double seconds = 0;
  std::vector<std::string> failures;  // bars that are not met
};

Measured Examine(const Kernel& kernel, const Facts& facts, const std::vector<Mark>& marks);

}  // namespace stranded::corpus

#endif  // STRANDED_TESTS_CORPUS_EXAMINE_H_
