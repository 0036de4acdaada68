// The verdict in a few words, the same at the head of each report.
#ifndef STRANDED_DETECTOR_REPORT_OUTCOME_H_
#define STRANDED_DETECTOR_REPORT_OUTCOME_H_

#include <cstddef>
#include <string>
#include <string_view>

#include "stranded/analysis.h"

namespace stranded::detector {

// "1 finding, 3 stranded tasks", "nothing is stranded". The latter is not said of a dump of which a
// part is lost, and the end of a program that a signal ended is told.
std::string Outcome(const Analysis& analysis);
// What becomes of tasks that are too young to be judged; "" if there are none.
std::string LookAgain(const Analysis& analysis);
// False of rules that tell of something else (a context, two locks, a crowd that may go on), or of
// tasks that other findings name, too.
bool NamesStrandedTasks(std::string_view rule);
// "2 findings are left out by --rule or --ignore".
std::string HiddenText(std::size_t findings);
// "2 tasks as expected": stranded, and a test wants it so.
std::string ExpectedText(std::size_t tasks);
// Nothing was found, all could be read, and the program did not die.
bool AllIsWell(const Analysis& analysis);

}  // namespace stranded::detector

#endif  // STRANDED_DETECTOR_REPORT_OUTCOME_H_
