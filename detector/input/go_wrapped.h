// Lines of a dump as log collectors keep them: one JSON object each, with the text in a field.
#ifndef STRANDED_DETECTOR_INPUT_GO_WRAPPED_H_
#define STRANDED_DETECTOR_INPUT_GO_WRAPPED_H_

#include <string>
#include <string_view>

namespace stranded::detector {

// {"Action":"output","Output":"goroutine 1 [running]:\n"} of `go test -json`, and "log", "message",
// "msg", "line" of others. False if it is no such line.
bool UnwrapJsonLine(std::string_view line, std::string& text);

}  // namespace stranded::detector

#endif  // STRANDED_DETECTOR_INPUT_GO_WRAPPED_H_
