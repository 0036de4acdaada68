#include "runtime_hooks/scheduler/thread_state.h"

#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <string_view>

namespace stranded::internal {
namespace {

// The beginning of /proc/self/task/TID/NAME; empty if it cannot be read.
class ThreadFile {
 public:
  ThreadFile(int tid, const char* name) {
    std::array<char, 64> path{};
    std::snprintf(path.data(), path.size(), "/proc/self/task/%d/%s", tid, name);
    const int fd = open(path.data(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) return;
    const ssize_t got = read(fd, text_.data(), text_.size() - 1);
    size_ = got > 0 ? static_cast<std::size_t>(got) : 0;
    close(fd);
  }
  std::string_view text() const { return {text_.data(), size_}; }

 private:
  std::array<char, 512> text_{};  // ends with 0
  std::size_t size_ = 0;
};

bool SleepsForATime(int tid) {
  const ThreadFile call(tid, "syscall");
  if (call.text().empty()) return false;
  const long number = std::strtol(call.text().data(), nullptr, 10);
  bool sleeps = number == SYS_clock_nanosleep;
#ifdef SYS_nanosleep
  sleeps = sleeps || number == SYS_nanosleep;
#endif
  return sleeps;
}

}  // namespace

ThreadState StateOfThread(int tid) {
  const ThreadFile stat(tid, "stat");
  // Behind the name, which may have parentheses itself.
  const std::size_t name_end = stat.text().rfind(')');
  if (name_end == std::string_view::npos || name_end + 2 >= stat.text().size()) {
    return ThreadState::kGone;
  }
  switch (stat.text()[name_end + 2]) {
    case 'R':
    case 'D': return ThreadState::kRuns;
    case 'S': return SleepsForATime(tid) ? ThreadState::kSleeps : ThreadState::kWaits;
    case 'X':
    case 'Z': return ThreadState::kGone;
    default: return ThreadState::kWaits;
  }
}

}  // namespace stranded::internal
