// The single lines of Go's textual dumps.
#ifndef STRANDED_DETECTOR_INPUT_GO_LINES_H_
#define STRANDED_DETECTOR_INPUT_GO_LINES_H_

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace stranded::detector {

inline constexpr std::string_view kGoroutine = "goroutine ";
inline constexpr std::size_t kMostGoFrames = 1000;  // kept of a stack
inline bool IsDigit(char c) { return c >= '0' && c <= '9'; }

// goroutine 7 gp=0x.. m=nil [chan send (leaked), 5 minutes, locked to thread] {job: a}:
struct GoHeader {
  std::uint64_t id = 0;
  std::string_view state, labels;
  std::uint32_t minutes = 0, bubble = 0;
  bool leaked = false, locked_to_thread = false;
};
bool ParseGoHeader(std::string_view line, GoHeader& out);
// Whether it is the begin of such a line and ends within it.
bool BeginsGoHeader(std::string_view line);

// Takes digits off the front; false if there are none or too many.
bool TakeNumber(std::string_view& text, std::uint64_t& number);
// 0x..., off the front.
bool TakeHex(std::string_view& text, std::uint64_t& number);
// /path/file.go:12 +0x34 fp=...: the last colon with a number behind it.
bool ParseGoPlace(std::string_view text, std::string_view& file, std::uint32_t& line);
// Where the arguments of a call begin: the bracket that the last character closes; npos if none.
std::size_t GoArguments(std::string_view call);
std::string_view Stripped(std::string_view text);  // no blanks at the ends

}  // namespace stranded::detector

#endif  // STRANDED_DETECTOR_INPUT_GO_LINES_H_
