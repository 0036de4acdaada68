// What a dead end left, told also where its exception meets a noexcept function: then nobody comes
// to judge it any more. Waits look ahead (runtime_hooks/scheduler/throwing.h), but not all can be
// told.
#ifndef STRANDED_DETECTOR_CHECK_LAST_WORDS_H_
#define STRANDED_DETECTOR_CHECK_LAST_WORDS_H_

#include <atomic>
#include <string>

namespace stranded::detector {

// Printed on stderr by std::terminate, until they are taken back.
void SetLastWords(std::string text);
extern std::atomic<bool> has_last_words;  // relaxed: of the thread that sets them
void TakeBackLastWordsSet();
inline void TakeBackLastWords() {
  if (has_last_words.load(std::memory_order_relaxed)) [[unlikely]]
    TakeBackLastWordsSet();
}

}  // namespace stranded::detector

#endif  // STRANDED_DETECTOR_CHECK_LAST_WORDS_H_
