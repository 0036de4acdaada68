// One process at a time changes a file: else one would write over what the other has added.
//
// Overview: the folder is locked, since the file itself is replaced when it is written. Where a
// file system knows no locks, nothing is held. Thread safety: of one thread. Ownership: the lock
// goes with the object, and with the process.
#ifndef STRANDED_CLI_COMMANDS_FILE_LOCK_H_
#define STRANDED_CLI_COMMANDS_FILE_LOCK_H_

#include <string>

namespace stranded::cli {

class FileLock {
 public:
  // Waits until it is free. An empty path locks nothing.
  explicit FileLock(const std::string& path);
  ~FileLock();
  FileLock(const FileLock&) = delete;
  FileLock& operator=(const FileLock&) = delete;

 private:
  int folder_ = -1;
};

}  // namespace stranded::cli

#endif  // STRANDED_CLI_COMMANDS_FILE_LOCK_H_
