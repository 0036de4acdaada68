// The file in which a program that explores itself leaves what it found.
#ifndef STRANDED_DETECTOR_EXPLORE_RESULT_FILE_H_
#define STRANDED_DETECTOR_EXPLORE_RESULT_FILE_H_

#include <string>

#include "stranded/explore.h"

namespace stranded::detector {

// Says which body begins, so that a crash can be told from an end: a GoogleTest test, or a
// program's.
void WriteBegin(const std::string& path, const std::string& name, bool is_test);
// The program dies in the how-manyth schedule, from 1; `schedule` replays it up to there.
void WriteCrash(const std::string& path, int signal, int number, const std::string& schedule);
// The same for one that hangs, and has for so many seconds.
void WriteHang(const std::string& path, int seconds, int number, const std::string& schedule);
// Says that the filter leaves none of the tests.
void WriteNoTest(const std::string& path, int tests, const std::string& filter);
// Adds a line to the file; says on stderr if it cannot.
void WriteResult(const std::string& path, const ExploreResult& result);

}  // namespace stranded::detector

#endif  // STRANDED_DETECTOR_EXPLORE_RESULT_FILE_H_
