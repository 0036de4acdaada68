#include "cli/commands/child.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <tuple>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "cli/terminal/progress.h"
#include "stranded/explore_json.h"
#include "stranded/options.h"
#include "stranded/paths.h"

namespace stranded::cli {
namespace {

// Where the program writes what it finds. In memory: nothing is left of it, whatever ends this
// process. The program does not inherit it, and opens it by this process's name for it: so it may
// close what it has, and be started by way of a script.
class ResultFile {
 public:
  ResultFile() : fd_(memfd_create("stranded-explore", MFD_CLOEXEC)) {}
  ~ResultFile() {
    if (ok()) close(fd_);
  }
  ResultFile(const ResultFile&) = delete;
  ResultFile& operator=(const ResultFile&) = delete;
  bool ok() const { return fd_ >= 0; }
  std::string Path() const { return absl::StrCat("/proc/", pid_, "/fd/", fd_); }

 private:
  const int fd_;
  const pid_t pid_ = getpid();
};

[[noreturn]] void Become(const ExploreRequest& request, const std::string& options,
                         const std::string& result) {
  prctl(PR_SET_PDEATHSIG, SIGTERM);  // nobody would read what it finds
  setenv("STRANDED_OPTIONS", options.c_str(), 1);
  if (!request.show_output) {
    // What a program prints, it prints thousands of times.
    const int null = open("/dev/null", O_WRONLY);
    if (null >= 0) dup2(null, STDOUT_FILENO);
  }
  std::vector<std::string> args = request.command;
  if (!request.tests.empty()) args.push_back(absl::StrCat("--gtest_filter=", request.tests));
  std::vector<char*> argv;
  for (std::string& arg : args) argv.push_back(arg.data());
  argv.push_back(nullptr);
  execvp(argv[0], argv.data());
  const char* const why = std::strerror(errno);
  std::ofstream(result) << "cannot " << why << std::endl;
  _exit(127);
}

// "none 12 Fetch.*": its tests, and the filter that leaves none of them.
absl::Status NoTest(const std::string& program, const std::string& line) {
  const std::vector<std::string> words = absl::StrSplit(line, absl::MaxSplits(' ', 2));
  if (words.size() < 3) return absl::InternalError(absl::StrCat("not understood: ", line));
  if (words[1] == "0") return absl::FailedPreconditionError(absl::StrCat(program, " has no tests"));
  return absl::FailedPreconditionError(absl::StrCat(
      "none of the ", words[1], " tests of '", program, "' matches the filter '", words[2], "'"));
}

// "begin prog" or "test Fetch.One": what stands behind that; "" for other lines.
std::string BegunIn(const std::string& line) {
  for (const char* word : {"begin ", "test "}) {
    if (line.starts_with(word)) return line.substr(std::strlen(word));
  }
  return "";
}

absl::Status ReadResults(const std::string& path, const ExploreRequest& request,
                         ExploreReply* reply) {
  const std::string& program = request.command[0];
  std::ifstream in(path);
  std::string line;
  while (std::getline(in, line)) {
    if (const std::string name = BegunIn(line); !name.empty()) {
      reply->crashed_in = name;
      reply->is_test = line.starts_with("test ");
      if (reply->is_test || request.tests.empty()) continue;
      return absl::FailedPreconditionError(
          absl::StrCat("'", program,
                       "' has no tests, so --test chooses none: it runs its body in "
                       "stranded::CheckedMain"));
    }
    if (line.starts_with("crash ") || line.starts_with("hang ")) {
      const std::vector<std::string> words = absl::StrSplit(line, ' ');
      if (words.size() == 4 && absl::SimpleAtoi(words[2], &reply->crash_number)) {
        reply->crash_schedule = words[3];
        if (words[0] == "hang") std::ignore = absl::SimpleAtoi(words[1], &reply->hung_s);
      }
      continue;
    }
    if (line.starts_with("none ")) return NoTest(program, line);
    if (line.starts_with("cannot ")) {
      return absl::InvalidArgumentError(
          absl::StrCat("cannot run '", program, "': ", line.substr(std::strlen("cannot "))));
    }
    auto result = detector::ParseExploreJson(line);
    if (!result.ok()) return result.status();
    result->command = reply->command;
    reply->results.push_back(*std::move(result));
  }
  return absl::OkStatus();
}

// "exploring Fetch.TakesTheFirst": the test whose line is the last that stands in the file.
std::string Now(const std::string& path) {
  constexpr std::streamoff kTail = 512;
  std::ifstream in(path, std::ios::ate);
  const std::streamoff size = in.tellg();
  in.seekg(std::max<std::streamoff>(0, size - kTail));
  std::string line, name;
  while (std::getline(in, line)) name = BegunIn(line);
  return name.empty() ? "exploring" : absl::StrCat("exploring ", name);
}

bool Killed(int exit_code) { return exit_code > 128; }

std::string ForShell(const std::vector<std::string>& command) {
  return absl::StrJoin(command, " ", [](std::string* out, const std::string& word) {
    absl::StrAppend(out, ShellWord(word));
  });
}

}  // namespace

absl::StatusOr<ExploreReply> RunExploring(const ExploreRequest& request) {
  const ResultFile file;
  if (!file.ok()) {
    return absl::InternalError(
        absl::StrCat("cannot make a file in memory for the results: ", std::strerror(errno)));
  }
  const char* given = std::getenv("STRANDED_OPTIONS");
  const std::string options =
      absl::StrCat(given == nullptr ? "" : absl::StrCat(given, ":"),
                   "explore=", OptionValue(file.Path()), ":", request.options);
  const pid_t child = fork();
  if (child < 0) return absl::InternalError(absl::StrCat("fork: ", std::strerror(errno)));
  if (child == 0) Become(request, options, file.Path());
  int status = 0;
  {
    const Progress progress([&] { return Now(file.Path()); });
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
  }
  ExploreReply reply;
  reply.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  reply.command = ForShell(request.command);
  const absl::Status read = ReadResults(file.Path(), request, &reply);
  if (!read.ok()) return read;
  if (!Killed(reply.exit_code) && reply.hung_s == 0) reply.crashed_in.clear();
  if (reply.results.empty() && reply.crashed_in.empty()) {
    return absl::FailedPreconditionError(absl::StrCat(
        "'", request.command[0], "' (exit ", reply.exit_code,
        ") explored nothing: a test must match its filter, and it must link stranded::gtest_main "
        "(or install LeakCheckListener in a "
        "main() that reads STRANDED_OPTIONS), or run its body in stranded::CheckedMain"));
  }
  return reply;
}

void PrintCrash(const ExploreReply& reply) {
  const int signal = reply.exit_code - 128;
  std::string text = reply.hung_s > 0
                         ? absl::StrCat("stranded: ended after ", reply.hung_s,
                                        " s without a step, beyond --time: the program hung")
                         : absl::StrCat("stranded: the program was ended by signal ", signal, " (",
                                        strsignal(signal), ")");
  absl::StrAppend(&text, " while it explored ", reply.crashed_in);
  if (!reply.crash_schedule.empty()) {
    absl::StrAppend(&text, ", in schedule ", reply.crash_number,
                    "\n  replay: stranded explore --output --replay ", reply.crash_schedule,
                    reply.is_test ? absl::StrCat(" --test ", reply.crashed_in) : "", " -- ",
                    reply.command);
  }
  std::fprintf(stderr, "%s\n", text.c_str());
}

}  // namespace stranded::cli
