// What Go's dumps begin like.
#ifndef STRANDED_DETECTOR_INPUT_GO_FORMS_H_
#define STRANDED_DETECTOR_INPUT_GO_FORMS_H_

#include <string_view>

namespace stranded::detector {

// Whether there is a goroutine in it, or the head of a debug=1 profile.
bool LooksLikeGoText(std::string_view head);
// Whether it begins like a profile that is not packed; the reader knows for sure.
bool LooksLikeGoPprof(std::string_view head);
// A dump in UTF-16, as PowerShell's > writes it.
bool LooksLikeUtf16(std::string_view head);

// Without the mark that some editors and shells begin UTF-8 with.
inline std::string_view WithoutMark(std::string_view line) {
  if (line.starts_with("\xef\xbb\xbf")) line.remove_prefix(3);
  return line;
}

}  // namespace stranded::detector

#endif  // STRANDED_DETECTOR_INPUT_GO_FORMS_H_
