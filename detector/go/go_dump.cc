#include "stranded/go_dump.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>

#include "absl/strings/str_cat.h"
#include "detector/go/findings.h"
#include "detector/input/go_forms.h"
#include "detector/input/go_pprof.h"
#include "detector/input/go_text.h"
#include "detector/input/gunzip.h"

namespace stranded {

using namespace detector;  // NOLINT(build/namespaces): the implementation of the public functions

namespace {

constexpr std::size_t kHead = 64 << 10;
constexpr std::size_t kChunk = 256 << 10;

struct Closer {
  void operator()(std::FILE* file) const { std::fclose(file); }
};
using File = std::unique_ptr<std::FILE, Closer>;

std::string ReadChunk(std::FILE* file, std::size_t size) {
  std::string bytes(size, '\0');
  bytes.resize(std::fread(bytes.data(), 1, size, file));
  return bytes;
}

absl::Status WithSource(const absl::Status& status, const std::string& source) {
  if (status.ok()) return status;
  return absl::Status(status.code(),
                      absl::StrCat("cannot read '", source, "': ", std::string(status.message())));
}

absl::Status Utf16() {
  return absl::InvalidArgumentError(
      "it is text in UTF-16, as PowerShell's > writes it; make it UTF-8: "
      "iconv -f UTF-16 -t UTF-8 FILE");
}

// To be read to its end before anything of it can be understood.
bool IsWhole(std::string_view head) { return LooksLikeGzip(head) || LooksLikeGoPprof(head); }

absl::Status ReadPlain(std::string_view bytes, const std::string& source, GoDumps& out) {
  if (LooksLikeGoPprof(bytes)) return ReadGoPprof(bytes, source, out);
  if (LooksLikeUtf16(bytes.substr(0, kHead))) return Utf16();
  GoTextReader reader(out, source);
  reader.Feed(bytes);
  reader.Finish();
  return absl::OkStatus();
}

absl::Status ReadBytes(std::string_view bytes, const std::string& source, GoDumps& out) {
  if (!LooksLikeGzip(bytes)) return WithSource(ReadPlain(bytes, source, out), source);
  const auto unpacked = Gunzip(bytes);
  if (!unpacked.ok()) return WithSource(unpacked.status(), source);
  return WithSource(ReadPlain(*unpacked, source, out), source);
}

absl::Status ReadStream(std::string chunk, std::FILE* file, const std::string& source,
                        GoDumps& out) {
  if (IsWhole(chunk)) {
    for (std::string more = ReadChunk(file, kChunk); !more.empty();
         more = ReadChunk(file, kChunk)) {
      chunk += more;
    }
    return ReadBytes(chunk, source, out);
  }
  if (LooksLikeUtf16(chunk.substr(0, kHead))) return WithSource(Utf16(), source);
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

absl::Status Without(const std::string& source) {
  return absl::InvalidArgumentError(absl::StrCat(
      "'", source,
      "' has no goroutine in it. Go writes dumps by "
      "pprof.Lookup(\"goroutine\").WriteTo(w, 2), on SIGQUIT, and at /debug/pprof/goroutine."));
}

// The places of a debug=1 are not those of a debug=2: what was there would seem to be gone.
absl::Status OfOneForm(const GoDumps& all) {
  const GoDump& first = all.dumps.front();
  const GoDump& last = all.dumps.back();
  if (std::string_view(first.form) == last.form) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("'", std::string(all.strings[first.source]), "' is a ", first.form,
                   " dump and '", std::string(all.strings[last.source]), "' a ", last.form,
                   ": they do not name places alike, so a series needs dumps of one form"));
}

absl::StatusOr<Analysis> Finish(std::shared_ptr<const GoDumps> all, const std::string& source,
                                const AnalysisOptions& options) {
  // A goroutineleak profile without a goroutine is good news.
  const bool none = !all->dumps.empty() && all->dumps.back().leak_profile;
  if (!none && (all->dumps.empty() || all->dumps.back().count == 0)) return Without(source);
  return AnalyzeGoModel(std::move(all), options);
}

}  // namespace

bool LooksLikeGo(std::string_view head) {
  head = head.substr(0, kHead);
  if (LooksLikeGzip(head)) {
    const std::string unpacked = GunzipHead(head, kHead);
    return !LooksLikeGzip(unpacked) && LooksLikeGo(unpacked);
  }
  return LooksLikeGoPprof(head) || LooksLikeUtf16(head) || LooksLikeGoText(head);
}

bool IsGoFile(const std::string& path) {
  if (path == "-") return false;  // can be read only once
  const File file(std::fopen(path.c_str(), "rbe"));
  return file != nullptr && LooksLikeGo(ReadChunk(file.get(), kHead));
}

absl::StatusOr<Analysis> AnalyzeGo(std::string_view bytes, const std::string& source,
                                   const AnalysisOptions& options) {
  auto all = std::make_shared<GoDumps>();
  if (absl::Status read = ReadBytes(bytes, source, *all); !read.ok()) return read;
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
    const std::size_t before = all->dumps.size();
    if (absl::Status read = ReadInto(path, *all); !read.ok()) return read;
    // One that is left out silently, as a native dump, would make a wrong series.
    if (all->dumps.size() == before) return Without(path);
    if (absl::Status alike = OfOneForm(*all); !alike.ok()) return alike;
  }
  return Finish(std::move(all), paths.empty() ? "" : paths.back(), options);
}

}  // namespace stranded
