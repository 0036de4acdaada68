// stranded run -- CMD: run a program, then report on the dump it leaves.
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <iterator>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "cli/commands/command.h"
#include "cli/manual/amounts.h"
#include "cli/manual/choices.h"
#include "cli/manual/help.h"
#include "stranded/internal/output_file.h"
#include "stranded/options.h"

namespace stranded::cli {
namespace {

constexpr int kTimedOut = 124;  // as of timeout(1)

struct RunOptions {
  std::vector<std::string> command;
  InputOptions input;
  OutputOptions output;
  std::string dump, record;
  bool min_age_given = false;
  double timeout_seconds = 0;
};

// What somebody sends to this process is meant for the program: it ends, perhaps in its own way,
// and is reported on. What a terminal sends reaches both.
class SignalsForChild {
 public:
  // Made before the fork: a signal that comes too early waits until it is known whom it is for.
  SignalsForChild() {
    sigset_t all;
    sigemptyset(&all);
    for (const int signal : kAll) sigaddset(&all, signal);
    sigprocmask(SIG_BLOCK, &all, &mask_before_);
  }
  void InChild() const { sigprocmask(SIG_SETMASK, &mask_before_, nullptr); }
  void Pass(pid_t child) {
    of = child;
    struct sigaction pass = {};
    pass.sa_flags = SA_SIGINFO | SA_RESTART;
    pass.sa_sigaction = [](int signal, siginfo_t* from, void*) {
      if (from->si_code <= 0) kill(of, signal);  // not the kernel's
    };
    for (std::size_t i = 0; i < std::size(kAll); ++i) sigaction(kAll[i], &pass, &before_[i]);
    passes_ = true;
    sigprocmask(SIG_SETMASK, &mask_before_, nullptr);
  }
  ~SignalsForChild() {
    for (std::size_t i = 0; passes_ && i < std::size(kAll); ++i) {
      sigaction(kAll[i], &before_[i], nullptr);
    }
    sigprocmask(SIG_SETMASK, &mask_before_, nullptr);
  }
  SignalsForChild(const SignalsForChild&) = delete;
  SignalsForChild& operator=(const SignalsForChild&) = delete;

 private:
  static constexpr int kAll[] = {SIGINT, SIGQUIT, SIGTERM};
  static inline std::atomic<pid_t> of{0};  // relaxed would do: one thread and its handlers
  bool passes_ = false;
  sigset_t mask_before_;
  struct sigaction before_[std::size(kAll)];
};

// Waits for the child; at the timeout asks it for a dump (SIGQUIT), then ends it.
int WaitFor(pid_t child, const RunOptions& o, bool* timed_out) {
  int status = 0;
  if (o.timeout_seconds <= 0) {
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    return status;
  }
  const int pidfd = static_cast<int>(syscall(SYS_pidfd_open, child, 0));
  pollfd ended{pidfd, POLLIN, 0};
  const auto poll_for = [&](double seconds) {
    using Clock = std::chrono::steady_clock;
    const auto until = Clock::now() + std::chrono::duration<double>(std::min(seconds, 1e6));
    for (;;) {  // a signal for the program interrupts it
      const std::chrono::duration<double, std::milli> left = until - Clock::now();
      const int seen = poll(&ended, 1, static_cast<int>(std::max(0.0, left.count())));
      if (seen > 0) return true;
      if (seen == 0 || errno != EINTR) return false;
    }
  };
  if (!poll_for(o.timeout_seconds)) {
    *timed_out = true;
    kill(child, SIGQUIT);
    // The dump is renamed into place when it is whole.
    struct stat info {};
    for (int i = 0; i < 50 && stat(o.dump.c_str(), &info) != 0; ++i) {
      if (poll_for(0.1)) break;
    }
    kill(child, SIGKILL);
  }
  close(pidfd);
  waitpid(child, &status, 0);
  return status;
}

// Where the dump lies until it has been reported on, unless the caller names a place.
class OwnDump {
 public:
  explicit OwnDump(RunOptions& o) : wanted_(o.dump.empty()) {
    if (!wanted_) return;
    made_ = mkdtemp(name_) != nullptr;
    file_ = o.dump = absl::StrCat(name_, "/dump.strd");
  }
  ~OwnDump() {
    if (!made_) return;
    std::remove(file_.c_str());
    rmdir(name_);
  }
  OwnDump(const OwnDump&) = delete;
  OwnDump& operator=(const OwnDump&) = delete;
  bool ok() const { return made_ || !wanted_; }
  // A program that dies has told its user already where the dump is.
  void Keep() {
    if (made_) std::fprintf(stderr, "stranded: its dump is kept: %s\n", file_.c_str());
    made_ = false;
  }

 private:
  const bool wanted_;
  bool made_ = false;
  char name_[32] = "/tmp/stranded-XXXXXX";
  std::string file_;
};

// Told before the program runs; or empty.
std::string WhyNoDump(const std::string& file) {
  if (internal::IsSpecialFile(file.c_str())) return "is no regular file";
  const auto folder = std::filesystem::path(internal::BehindLinks(file)).parent_path();
  if (access(folder.empty() ? "." : folder.c_str(), W_OK | X_OK) == 0) return "";
  return absl::StrCat("cannot be written: ", std::strerror(errno));
}

// What the user wants of the program already, whose dump is not to be lost.
std::string DumpOf(const std::string& options) {
  std::string dump;
  for (const std::string& item : OptionItems(options)) {
    if (item.starts_with("dump=")) dump = item.substr(std::strlen("dump="));
  }
  return dump;
}

// As the program would: one name for each process.
std::string WithPid(const std::string& dump, pid_t pid) {
  const std::size_t at = dump.find("%p");
  return at == std::string::npos ? dump : std::string(dump).replace(at, 2, absl::StrCat(pid));
}

[[noreturn]] void Become(RunOptions& o, const std::string& given) {
  const std::string dump = WithPid(o.dump, getpid());
  std::remove(internal::BehindLinks(dump).c_str());
  std::string options = absl::StrCat(given, given.empty() ? "" : ":", "dump=", OptionValue(dump),
                                     o.record.empty() ? "" : ":record=", o.record,
                                     o.timeout_seconds > 0 ? ":on_quit=dump" : "");
  // What is told here need not be told twice.
  if (StdoutIsText(o.output)) absl::StrAppend(&options, ":run_child=", getpid());
  setenv("STRANDED_OPTIONS", options.c_str(), 1);
  std::vector<char*> argv;
  for (std::string& arg : o.command) argv.push_back(arg.data());
  argv.push_back(nullptr);
  execvp(argv[0], argv.data());
  std::fprintf(stderr, "stranded: cannot run '%s': %s\n", argv[0], std::strerror(errno));
  _exit(127);
}

int Run(RunOptions& o) {
  const char* const variable = std::getenv("STRANDED_OPTIONS");
  const std::string given = variable == nullptr ? "" : variable;
  const bool asked_here = !o.dump.empty();
  if (!asked_here) o.dump = DumpOf(given);
  if (const std::string why = WhyNotSo(o.output, {o.dump}, {{"program", o.command[0]}});
      !why.empty()) {
    std::fprintf(stderr, "stranded run: %s\n", why.c_str());
    return kUsage;
  }
  OwnDump own_dump(o);
  if (!own_dump.ok()) {
    std::fprintf(stderr, "stranded: cannot make a directory for the dump: %s\n",
                 std::strerror(errno));
    return kInternal;
  }
  if (const std::string why = WhyNoDump(o.dump); !why.empty()) {
    std::fprintf(stderr, "stranded run: %s: '%s' %s\n",
                 asked_here ? "--dump" : "STRANDED_OPTIONS=dump", o.dump.c_str(), why.c_str());
    return kUsage;
  }
  bool timed_out = false;
  int status = 0;
  {
    SignalsForChild signals;
    const pid_t child = fork();
    if (child == 0) {
      signals.InChild();
      Become(o, given);
    }
    if (child < 0) {
      std::fprintf(stderr, "stranded: cannot start '%s': %s\n", o.command[0].c_str(),
                   std::strerror(errno));
      return kInternal;
    }
    signals.Pass(child);
    o.dump = WithPid(o.dump, child);
    status = WaitFor(child, o, &timed_out);
  }
  const int code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  const bool dumped = access(o.dump.c_str(), R_OK) == 0;
  if (timed_out) {
    std::fprintf(stderr, "stranded: '%s' did not end within %g s; %s\n", o.command[0].c_str(),
                 o.timeout_seconds,
                 dumped ? "its dump was taken, then it was killed"
                        : "it was asked for a dump, wrote none, and was killed: does it use the "
                          "Stranded runtime?");
    if (!dumped) return kTimedOut;
  }
  if (code == 127 && !dumped) return kUsage;
  if (!dumped) {
    std::fprintf(
        stderr,
        "stranded: '%s' (exit %d) wrote no dump: it never used the Stranded runtime, or ended "
        "by _exit or a signal before it could\n",
        o.command[0].c_str(), code);
    return code == 0 ? static_cast<int>(kInput) : code;
  }
  // There is no later look at a program that is killed: what it waited for most of its time counts.
  if (timed_out && !o.min_age_given) {
    o.input.min_age_seconds = std::min(1.0, o.timeout_seconds / 2);
  }
  const auto analysis = Load(o.dump, o.input);
  if (WIFSIGNALED(status) && !timed_out) own_dump.Keep();
  if (analysis == nullptr) return kInput;
  o.output.source_root = o.input.source_root;
  o.output.absolute_paths = o.input.absolute_paths;
  if (const Exit printed = PrintReport(*analysis, o.output); printed != kClean) return printed;
  if (!analysis->findings.empty() && (code == 0 || timed_out || code == 86)) return kFindings;
  if (timed_out) return kTimedOut;
  return code == 0 && PartlyLost(*analysis) ? static_cast<int>(kInput) : code;
}

}  // namespace

void AddRun(CLI::App& app, int& exit_code) {
  auto* cmd = app.add_subcommand("run", "Run a program and report what it leaves stranded");
  auto o = std::make_shared<RunOptions>();
  cmd->add_option("CMD", o->command, "The program and its arguments, after --")->required();
  cmd->add_option("--dump", o->dump, "Keep the dump here")->option_text("FILE");
  OneOf(cmd->add_option("--record", o->record,
                        "off (waits only), state (default) or trace (the last events, too)"),
        "LEVEL", {"off", "state", "trace"});
  SomeSeconds(
      cmd->add_option("--timeout", o->timeout_seconds,
                      "After so long a dump is taken and the program killed; --min-age is then "
                      "half of it at most"));
  AddAnalysisOptions(*cmd, o->input);
  AddOutputOptions(*cmd, o->output);
  SetExamples(
      *cmd,
      {{"stranded run -- ./my_server --once", "runs it and reports what it leaves behind"},
       {"stranded run --timeout 30 --dump hang.strd -- ./my_server",
        "a program that hangs: its dump is taken, then it is killed"},
       {"stranded run --format json:leaks.json -- ./my_server", "a report for programs"}},
      "The program's own exit code is passed on if it is not 0; else 1 with findings. After "
      "--timeout 1 with findings, else 124.");
  cmd->prefix_command(false);
  cmd->positionals_at_end();
  cmd->callback([=, &exit_code] {
    o->min_age_given = cmd->count("--min-age") > 0;
    exit_code = Run(*o);
  });
}

}  // namespace stranded::cli
