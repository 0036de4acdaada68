#include "cli/commands/file_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>

#include "stranded/internal/output_file.h"

namespace stranded::cli {

FileLock::FileLock(const std::string& path) {
  if (path.empty()) return;
  const auto folder = std::filesystem::path(internal::BehindLinks(path)).parent_path();
  folder_ = open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder_ < 0) return;
  while (flock(folder_, LOCK_EX) != 0 && errno == EINTR) {
  }
}

FileLock::~FileLock() {
  if (folder_ >= 0) close(folder_);
}

}  // namespace stranded::cli
