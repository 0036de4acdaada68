// The file in which a program that explores itself leaves what it found.
#ifndef STRANDED_DETECTOR_EXPLORE_RESULT_FILE_H_
#define STRANDED_DETECTOR_EXPLORE_RESULT_FILE_H_

#include <string>

#include "stranded/explore.h"

namespace stranded::detector {

// Says which body begins, so that a crash can be told from an end: a GoogleTest test, or a
// program's.
void WriteBegin(const std::string& path, const std::string& name, bool is_test);
// Where the program ends before its time.
struct EarlyEnd {
  std::string name;      // of the body
  int number = 0;        // the how-manyth schedule of that body, from 1
  std::string schedule;  // replays it up to there
};
// By a signal.
void WriteCrash(const std::string& path, int signal, const EarlyEnd& end);
// It has hung for so many seconds.
void WriteHang(const std::string& path, int seconds, const EarlyEnd& end);
// The body has called exit().
void WriteExit(const std::string& path, const EarlyEnd& end);
// Says that the filter leaves none of the tests.
void WriteNoTest(const std::string& path, int tests, const std::string& filter);
// Adds a line to the file; says on stderr if it cannot.
void WriteResult(const std::string& path, const ExploreResult& result);

}  // namespace stranded::detector

#endif  // STRANDED_DETECTOR_EXPLORE_RESULT_FILE_H_
