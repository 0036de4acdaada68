// Edits of one source line, as unified diffs for `patch -p1`.
#ifndef STRANDED_DETECTOR_FIXES_SOURCE_EDIT_H_
#define STRANDED_DETECTOR_FIXES_SOURCE_EDIT_H_

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "stranded/finding.h"

namespace stranded::detector {

// A source file found on this machine.
struct SourceFile {
  std::string shown;  // path for the diff, relative to the root where it can be
  std::vector<std::string> lines;
  bool ends_with_newline = true;
};

// Nothing if it cannot be read or is unreasonably large.
std::optional<SourceFile> FindSource(const std::string& file, const std::string& root);

// Where a project with this file begins: the nearest directory under version control, else the
// topmost of the directories above it that have a CMakeLists.txt. Empty: not found.
std::filesystem::path ProjectOf(const std::filesystem::path& file);

// The diff that replaces line `number` (from 1) by `edited`; empty if that stands there already.
std::string DiffOfLine(const SourceFile& file, std::size_t number, const std::string& edited);

// `Chan<T> c;`, `Chan<T>()`, `make_shared<Chan<T>>()` and the like with the capacity put in.
// Nothing if the line does not make exactly one channel in a way that is understood.
std::optional<std::string> WithCapacity(const std::string& line, std::int64_t capacity);

// The line declares several channels, `Chan<T> a, b;`, or names the type twice.
bool MakesSeveral(const std::string& line);

// `c.Send(v);` as a statement of its own, given up when the task's context ends, by leaving the
// function it stands in. Nothing if the line is anything else, or a plain `return;` is not known to
// compile there.
std::optional<std::string> WithContextSend(const std::vector<std::string>& lines,
                                           std::size_t number);
// The same, where its task goes on without the value.
std::optional<std::string> WithContextSkip(const std::vector<std::string>& lines,
                                           std::size_t number);

}  // namespace stranded::detector

#endif  // STRANDED_DETECTOR_FIXES_SOURCE_EDIT_H_
