#include "stranded/internal/output_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>

#include "absl/strings/str_cat.h"

namespace stranded::internal {
namespace {

// Links there lead to files that are open already: these must be written on, not replaced.
bool OfOpenFiles(std::string_view path) {
  return path.starts_with("/dev/std") || path.starts_with("/dev/fd/") || path.starts_with("/proc/");
}

std::string Beside(const std::string& path) {
  static std::atomic<unsigned> count{0};
  return absl::StrCat(path, ".", getpid(), ".", count.fetch_add(1, std::memory_order_relaxed),
                      ".tmp");
}

// Owner before mode: a change of owner takes set-user-id bits away.
void KeepOwnerAndMode(const std::string& path, int fd) {
  struct stat old {};
  if (stat(path.c_str(), &old) != 0) return;
  [[maybe_unused]] const int owner = fchown(fd, old.st_uid, old.st_gid);  // only root may
  fchmod(fd, old.st_mode & 07777);
}

}  // namespace

bool IsSpecialFile(const char* path) {
  struct stat info {};
  return OfOpenFiles(path) || (stat(path, &info) == 0 && !S_ISREG(info.st_mode));
}

std::string BehindLinks(const std::string& path) {
  constexpr int kMostLinks = 40;  // as the kernel's
  std::filesystem::path at = path;
  std::error_code error;
  for (int i = 0; i < kMostLinks && !OfOpenFiles(at.native()); ++i) {
    const std::filesystem::path next = std::filesystem::read_symlink(at, error);
    if (error) break;
    at = at.parent_path() / next;
  }
  return at.string();
}

OutputFile::OutputFile(const std::string& path)
    : asked_(path), path_(BehindLinks(path)), direct_(IsSpecialFile(path_.c_str())) {
  if (direct_) {
    fd_ = open(path_.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC);
  } else {
    // Process ids come again, in containers at once: one that was killed may have left its file.
    constexpr int kMostTries = 100;
    for (int i = 0; i < kMostTries && (i == 0 || errno == EEXIST) && fd_ < 0; ++i) {
      temporary_ = Beside(path_);
      fd_ = open(temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    }
  }
  if (fd_ < 0) error_ = errno;
  if (fd_ >= 0 && !direct_) KeepOwnerAndMode(path_, fd_);
}

OutputFile::~OutputFile() {
  if (fd_ < 0) return;
  close(fd_);
  if (!direct_) unlink(temporary_.c_str());
}

void OutputFile::Write(const char* bytes, std::size_t count) {
  while (count > 0 && error_ == 0) {
    const ssize_t n = write(fd_, bytes, count);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) {
      error_ = errno;
      return;
    }
    bytes += n;
    count -= static_cast<std::size_t>(n);
  }
}

absl::Status OutputFile::Failed() const {
  const bool folder = error_ == ENOENT || error_ == EACCES || error_ == ENOTDIR;
  return absl::UnavailableError(
      absl::StrCat("'", asked_, "': ", std::strerror(error_),
                   folder ? "; is the folder there and may files be written into it?" : ""));
}

absl::Status OutputFile::Finish() {
  if (error_ != 0) return Failed();
  const int fd = fd_;
  fd_ = -1;
  if (close(fd) != 0) error_ = errno;
  if (direct_) return error_ == 0 ? absl::OkStatus() : Failed();
  if (error_ == 0 && std::rename(temporary_.c_str(), path_.c_str()) != 0) error_ = errno;
  if (error_ == 0) return absl::OkStatus();
  unlink(temporary_.c_str());
  return Failed();
}

absl::Status WriteFile(const std::string& path, std::string_view bytes) {
  OutputFile file(path);
  file.Write(bytes.data(), bytes.size());
  return file.Finish();
}

}  // namespace stranded::internal
