// Files that appear whole or not at all.
//
// Overview: bytes go into a temporary file beside the path, which then takes its place and keeps
// the mode of a file that was there. A symbolic link stays, and the file it leads to is replaced.
// What is no regular file (a device, a FIFO, /dev/stdout) is written to directly: a rename would
// replace it. Thread safety: an object belongs to one thread; several may write one path, and the
// last wins. Ownership: what is not finished is removed.
#ifndef STRANDED_RUNTIME_HOOKS_INTERNAL_OUTPUT_FILE_H_
#define STRANDED_RUNTIME_HOOKS_INTERNAL_OUTPUT_FILE_H_

#include <cstddef>
#include <string>
#include <string_view>

#include "absl/status/status.h"

namespace stranded::internal {

class OutputFile {
 public:
  explicit OutputFile(const std::string& path);
  ~OutputFile();
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;

  // False if Finish will say why not.
  bool ok() const { return error_ == 0; }
  // Before Finish.
  void Write(const char* bytes, std::size_t count);
  // Puts the file into its place. Otherwise says why not: "'PATH': REASON".
  absl::Status Finish();

 private:
  absl::Status Failed() const;

  const std::string asked_;
  const std::string path_;  // where the links of `asked_` lead
  const bool direct_;       // no temporary file
  std::string temporary_;   // empty if direct
  int fd_ = -1;
  int error_ = 0;
};

absl::Status WriteFile(const std::string& path, std::string_view bytes);

// Where the symbolic links of a path lead, be there a file or not.
std::string BehindLinks(const std::string& path);
// True if something stands there that must not be replaced. Async-signal-safe.
bool IsSpecialFile(const char* path);

}  // namespace stranded::internal

#endif  // STRANDED_RUNTIME_HOOKS_INTERNAL_OUTPUT_FILE_H_
