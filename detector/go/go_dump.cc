#include "stranded/go_dump.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>

#include "absl/strings/str_cat.h"
#include "detector/go/findings.h"
#include "detector/input/go_pprof.h"
#include "detector/input/go_text.h"

namespace stranded {

using namespace detector;  // NOLINT(build/namespaces): the implementation of the public functions

namespace {

constexpr std::size_t kHead = 64 << 10;
constexpr std::size_t kChunk = 256 << 10;

struct Closer {
  void operator()(std::FILE* file) const { std::fclose(file); }
};
using File = std::unique_ptr<std::FILE, Closer>;

bool IsProfile(std::string_view head) { return LooksLikeGzip(head) || LooksLikeGoPprof(head); }

std::string ReadChunk(std::FILE* file, std::size_t size) {
  std::string bytes(size, '\0');
  bytes.resize(std::fread(bytes.data(), 1, size, file));
  return bytes;
}

absl::Status WithSource(const absl::Status& status, const std::string& source) {
  return absl::Status(status.code(),
                      absl::StrCat("cannot read '", source, "': ", std::string(status.message())));
}

absl::Status ReadStream(std::string chunk, std::FILE* file, const std::string& source,
                        GoDumps& out) {
  if (IsProfile(chunk)) {
    for (std::string more = ReadChunk(file, kChunk); !more.empty();
         more = ReadChunk(file, kChunk)) {
      chunk += more;
    }
    const absl::Status read = ReadGoPprof(chunk, source, out);
    return read.ok() ? read : WithSource(read, source);
  }
  GoTextReader reader(out, source);
  while (!chunk.empty()) {
    reader.Feed(chunk);
    chunk.resize(kChunk);
    chunk.resize(std::fread(chunk.data(), 1, kChunk, file));
  }
  reader.Finish();
  if (std::ferror(file) != 0) {
    return absl::UnavailableError(absl::StrCat("cannot read '", source, "' to its end"));
  }
  return absl::OkStatus();
}

absl::Status ReadInto(const std::string& path, GoDumps& out) {
  if (path == "-") return ReadStream(ReadChunk(stdin, kChunk), stdin, path, out);
  const File file(std::fopen(path.c_str(), "rbe"));
  if (file == nullptr) {
    const std::string what = absl::StrCat("cannot read '", path, "': ", std::strerror(errno));
    return errno == ENOENT ? absl::NotFoundError(what) : absl::UnavailableError(what);
  }
  return ReadStream(ReadChunk(file.get(), kChunk), file.get(), path, out);
}

absl::StatusOr<Analysis> Finish(std::shared_ptr<const GoDumps> all, const std::string& source,
                                const AnalysisOptions& options) {
  if (all->dumps.empty() || all->dumps.back().count == 0) {
    // A goroutineleak profile without a goroutine is good news.
    const bool none = !all->dumps.empty() && all->dumps.back().leak_profile;
    if (!none) {
      return absl::InvalidArgumentError(absl::StrCat(
          "'", source,
          "' has no goroutine in it. Go writes dumps by "
          "pprof.Lookup(\"goroutine\").WriteTo(w, 2), on SIGQUIT, and at /debug/pprof/goroutine."));
    }
  }
  return AnalyzeGoModel(std::move(all), options);
}

}  // namespace

bool LooksLikeGo(std::string_view head) {
  return IsProfile(head) || LooksLikeGoText(head.substr(0, kHead));
}

bool IsGoFile(const std::string& path) {
  if (path == "-") return false;  // can be read only once
  const File file(std::fopen(path.c_str(), "rbe"));
  return file != nullptr && LooksLikeGo(ReadChunk(file.get(), kHead));
}

absl::StatusOr<Analysis> AnalyzeGo(std::string_view bytes, const std::string& source,
                                   const AnalysisOptions& options) {
  auto all = std::make_shared<GoDumps>();
  if (IsProfile(bytes)) {
    if (absl::Status read = ReadGoPprof(bytes, source, *all); !read.ok()) {
      return WithSource(read, source);
    }
  } else {
    GoTextReader reader(*all, source);
    reader.Feed(bytes);
    reader.Finish();
  }
  return Finish(std::move(all), source, options);
}

absl::StatusOr<Analysis> AnalyzeGoStream(std::string_view head, std::FILE* rest,
                                         const std::string& source,
                                         const AnalysisOptions& options) {
  auto all = std::make_shared<GoDumps>();
  if (absl::Status read = ReadStream(std::string(head), rest, source, *all); !read.ok()) {
    return read;
  }
  return Finish(std::move(all), source, options);
}

absl::StatusOr<Analysis> AnalyzeGoFiles(const std::vector<std::string>& paths,
                                        const AnalysisOptions& options) {
  auto all = std::make_shared<GoDumps>();
  for (const std::string& path : paths) {
    if (absl::Status read = ReadInto(path, *all); !read.ok()) return read;
  }
  return Finish(std::move(all), paths.empty() ? "" : paths.back(), options);
}

}  // namespace stranded
