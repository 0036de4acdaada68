// --live PID or --live FILE: a process that runs with record=trace, looked at through the file it
// writes.
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "cli/commands/command.h"
#include "stranded/mapped_format.h"

namespace stranded::cli {
namespace {

namespace fs = std::filesystem;

bool IsNumber(const std::string& text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), absl::ascii_isdigit);
}

bool IsTraceFile(const fs::path& path) {
  std::error_code error;
  if (!fs::is_regular_file(path, error)) return false;
  char magic[sizeof mapped::kMagic] = {};
  std::ifstream in(path, std::ios::binary);
  in.read(magic, sizeof magic);
  return in.good() && std::equal(std::begin(magic), std::end(magic), std::begin(mapped::kMagic));
}

// The process keeps its file open; through /proc it can be read whatever became of its name.
absl::StatusOr<std::string> TraceFileOf(const std::string& pid) {
  std::error_code error;
  const fs::path fds = absl::StrCat("/proc/", pid, "/fd");
  fs::directory_iterator at(fds, error);
  if (error) {
    const bool gone = error == std::errc::no_such_file_or_directory;
    return absl::NotFoundError(absl::StrCat(
        "cannot look into process ", pid, ": ", gone ? "there is none" : error.message(),
        gone ? "; of one that has ended, give the trace file" : ""));
  }
  for (const fs::directory_iterator end; at != end; at.increment(error)) {
    if (error) break;
    if (IsTraceFile(at->path())) return at->path().string();
  }
  return absl::NotFoundError(absl::StrCat("process ", pid,
                                          " keeps no trace file; start it with STRANDED_OPTIONS="
                                          "record=trace"));
}

}  // namespace

void AddLiveOption(CLI::App& app, InputOptions& options) {
  app.add_flag("--live", options.live,
               "FILE is a process id, or the trace file of a process; it must run with "
               "record=trace, and is not stopped");
}

bool ResolveLive(InputOptions& options, int& exit_code) {
  if (!options.live) return true;
  std::vector<std::string*> files = {&options.file};
  for (std::string& file : options.files) files.push_back(&file);
  for (std::string* file : files) {
    options.live_as.push_back(*file);
    if (!IsNumber(*file)) {
      std::error_code error;
      if (!fs::is_regular_file(*file, error) || IsTraceFile(*file)) continue;
      std::fprintf(stderr,
                   "stranded: '%s' is no trace file of a process that runs with record=trace; "
                   "without --live it is read as a dump\n",
                   file->c_str());
      exit_code = kUsage;
      return false;
    }
    auto found = TraceFileOf(*file);
    if (!found.ok()) {
      std::fprintf(stderr, "stranded: %s\n", std::string(found.status().message()).c_str());
      exit_code = kInput;
      return false;
    }
    *file = *std::move(found);
  }
  return true;
}

}  // namespace stranded::cli
