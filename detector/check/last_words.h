// What a dead end left, told also where its exception meets a noexcept function: then nobody comes
// to judge it any more. Waits look ahead (runtime_hooks/scheduler/throwing.h), but not all can be
// told.
#ifndef STRANDED_DETECTOR_CHECK_LAST_WORDS_H_
#define STRANDED_DETECTOR_CHECK_LAST_WORDS_H_

#include <string>

namespace stranded::detector {

// Printed on stderr by std::terminate, until the next call. Empty: nothing.
void SetLastWords(std::string text);

}  // namespace stranded::detector

#endif  // STRANDED_DETECTOR_CHECK_LAST_WORDS_H_
