#include "cli/terminal/progress.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "cli/terminal/terminal.h"

namespace stranded::cli {
namespace {

using Clock = std::chrono::steady_clock;
constexpr auto kQuiet = std::chrono::milliseconds(500), kEvery = std::chrono::milliseconds(200);

bool Shown() {
  const char* term = std::getenv("TERM");
  return isatty(STDERR_FILENO) == 1 && (term == nullptr || std::strcmp(term, "dumb") != 0);
}

// One line: a longer one would leave its first half behind.
std::size_t Room() {
  winsize size{};
  const bool known = ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 20;
  return (known ? size.ws_col : 80U) - 1;
}

}  // namespace

Progress::Progress(std::function<std::string()> what) : what_(std::move(what)) {
  if (Shown()) thread_ = std::thread([this] { Draw(); });
}

Progress::~Progress() {
  if (!thread_.joinable()) return;
  {
    const std::lock_guard lock(mutex_);
    done_ = true;
  }
  changed_.notify_one();
  thread_.join();
}

void Progress::Draw() {
  const auto start = Clock::now();
  std::unique_lock lock(mutex_);
  if (changed_.wait_for(lock, kQuiet, [this] { return done_; })) return;
  do {
    const auto seconds =
        std::chrono::duration_cast<std::chrono::seconds>(Clock::now() - start).count();
    std::string line = Showable(what_(), Utf8Locale());
    const std::string time = seconds == 0 ? "" : ", " + std::to_string(seconds) + " s";
    line.resize(std::min(line.size(), Room() - time.size() - 3));
    std::fprintf(stderr, "\r\033[K%s ...%s", line.c_str(), time.c_str());
    std::fflush(stderr);
  } while (!changed_.wait_for(lock, kEvery, [this] { return done_; }));
  std::fputs("\r\033[K", stderr);
  std::fflush(stderr);
}

}  // namespace stranded::cli
