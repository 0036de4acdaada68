#include "cli/commands/child.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "cli/terminal/progress.h"
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

std::string ForShell(const std::vector<std::string>& command) {
  return absl::StrJoin(command, " ", [](std::string* out, const std::string& word) {
    absl::StrAppend(out, ShellWord(word));
  });
}

}  // namespace

namespace {

// One run of the program. `exit_code`: 128 + signal.
absl::Status RunOnce(const ExploreRequest& request, ExploredFile* explored, int* exit_code) {
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
    const Progress progress([&] { return NowExploring(file.Path()); });
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
  }
  *exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return ReadExplored(file.Path(), request.command[0], explored);
}

// The filter in force: that of the command line, of the program's arguments, or of its environment.
std::string FilterOf(const ExploreRequest& request) {
  constexpr char kFlag[] = "--gtest_filter=";
  if (!request.tests.empty()) return request.tests;
  std::string filter;
  if (const char* given = std::getenv("GTEST_FILTER"); given != nullptr) filter = given;
  for (const std::string& arg : request.command) {
    if (arg.starts_with(kFlag)) filter = arg.substr(std::strlen(kFlag));
  }
  return filter.empty() ? "*" : filter;
}

// Without those that are done, and those that ended the program.
std::string Without(const std::string& filter, const ExploreReply& reply) {
  std::string rest = filter;
  const auto leave_out = [&rest](const std::string& test) {
    absl::StrAppend(&rest, rest.find('-') == std::string::npos ? "-" : ":", test);
  };
  for (const ExploreResult& result : reply.results) leave_out(result.name);
  for (const ProgramEnd& end : reply.ends) leave_out(end.body);
  return rest;
}

absl::Status ExploredNothing(const std::string& program, int exit_code) {
  return absl::FailedPreconditionError(absl::StrCat(
      "'", program, "' (exit ", exit_code,
      ") explored nothing: a test must match its filter, and it must link stranded::gtest_main "
      "(or install LeakCheckListener in a "
      "main() that reads STRANDED_OPTIONS), or run its body in stranded::CheckedMain"));
}

// Takes over what one run has found. True if it ended in one test, and others are to be explored.
absl::StatusOr<bool> TakeOver(ExploredFile explored, int exit_code, const ExploreRequest& request,
                              ExploreReply* reply) {
  if (explored.none) {
    if (reply->ends.empty()) return explored.no_tests;
    return false;  // there were no others
  }
  const bool begun = !explored.unfinished.empty() || !explored.results.empty();
  if (begun && !explored.is_test && !request.tests.empty()) {
    return absl::FailedPreconditionError(
        absl::StrCat("'", request.command[0],
                     "' has no tests, so --test chooses none: it runs its body in "
                     "stranded::CheckedMain"));
  }
  for (ExploreResult& result : explored.results) {
    result.command = reply->command;
    reply->results.push_back(std::move(result));
  }
  ProgramEnd& end = explored.end;
  end.exit_code = exit_code;
  const bool killed = exit_code > 128;
  if (end.body.empty() && explored.unfinished.size() == 1) end.body = explored.unfinished[0];
  if (!killed && explored.unfinished.empty()) {
    if (!reply->results.empty() || !reply->ends.empty()) return false;
    return ExploredNothing(request.command[0], exit_code);
  }
  reply->ends.push_back(end);
  return end.is_test && !end.body.empty() && request.other_tests;
}

}  // namespace

absl::StatusOr<ExploreReply> RunExploring(const ExploreRequest& request) {
  ExploreReply reply;
  reply.command = ForShell(request.command);
  ExploreRequest rest = request;
  for (;;) {
    ExploredFile explored;
    int exit_code = 0;
    const absl::Status run = RunOnce(rest, &explored, &exit_code);
    if (!run.ok()) return run;
    const auto again = TakeOver(std::move(explored), exit_code, rest, &reply);
    if (!again.ok()) return again.status();
    if (!*again) return reply;
    rest.tests = Without(FilterOf(request), reply);
  }
}

std::string HowItEnded(const ProgramEnd& end) {
  const int signal = end.exit_code - 128;
  if (end.hung_s > 0) {
    return absl::StrCat("ended after ", end.hung_s,
                        " s without a step, beyond --time: the program hung");
  }
  if (signal > 0) {
    return absl::StrCat("the program was ended by signal ", signal, " (", strsignal(signal), ")");
  }
  return absl::StrCat("the program ended itself (exit ", end.exit_code, ")");
}

void PrintEnds(const ExploreReply& reply) {
  for (const ProgramEnd& end : reply.ends) {
    std::string text = absl::StrCat("stranded: ", HowItEnded(end));
    if (end.body.empty()) {
      absl::StrAppend(&text,
                      end.is_test ? ", in a test or between two" : ", before any exploration");
    } else {
      absl::StrAppend(&text, " while it explored ", end.body);
    }
    if (!end.schedule.empty()) {
      absl::StrAppend(&text, ", in schedule ", end.number,
                      "\n  replay: stranded explore --output --replay ", end.schedule,
                      end.is_test ? absl::StrCat(" --test ", end.body) : "", " -- ", reply.command);
    }
    std::fprintf(stderr, "%s\n", text.c_str());
  }
}

}  // namespace stranded::cli
