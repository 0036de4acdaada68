// What the place we write to can show: colour, width, characters.
//
// Thread safety: Print and the progress line may be used from any thread, one at a time.
#ifndef STRANDED_CLI_TERMINAL_TERMINAL_H_
#define STRANDED_CLI_TERMINAL_TERMINAL_H_

#include <cstddef>
#include <string>
#include <string_view>

namespace stranded::cli {

// `when` is auto, always or never. auto: on a terminal that is not dumb, unless NO_COLOR says no.
bool UseColor(const std::string& when);
// Columns of standard output: COLUMNS, else the terminal's; 0 if it is no terminal.
std::size_t Width();
// Of a report: 0 if standard output is no terminal, whatever COLUMNS says.
std::size_t ReportWidth();
// The same as Width, with 80 where there is no terminal.
std::size_t HelpWidth();
// The locale's characters are UTF-8.
bool Utf8Locale();

// Text as it may be shown: control characters, which a line of the source or the name of a file can
// have brought in, become '?' (colours of ours stay), and without `utf8` drawings are made of
// ASCII.
std::string Showable(std::string_view text, bool utf8);
// Writes text for people to standard output. Whether that worked, main asks once at the end.
void Print(std::string_view text);
// Flushes standard output. False, after saying why, if something could not be written.
bool FinishOutput();

}  // namespace stranded::cli

#endif  // STRANDED_CLI_TERMINAL_TERMINAL_H_
