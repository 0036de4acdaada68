#include "detector/report/small_file.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>

#include "absl/strings/str_cat.h"

namespace stranded::detector {

absl::StatusOr<std::string> ReadSmallFile(const std::string& path, const std::string& what) {
  const auto cannot = [&](int error) {
    return absl::StrCat("cannot read the ", what, " '", path, "': ", std::strerror(error));
  };
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "rbe"),
                                                             &std::fclose);
  if (file == nullptr) {
    return errno == ENOENT ? absl::NotFoundError(cannot(errno))
                           : absl::UnavailableError(cannot(errno));
  }
  std::string text;
  char buffer[1 << 16];
  errno = 0;
  while (const std::size_t n = std::fread(buffer, 1, sizeof buffer, file.get())) {
    text.append(buffer, n);
  }
  if (std::ferror(file.get()) == 0) return text;
  const char* const hint = errno == EISDIR ? "; give a file" : "";
  return absl::UnavailableError(absl::StrCat(cannot(errno), hint));
}

}  // namespace stranded::detector
