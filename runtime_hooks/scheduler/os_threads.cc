#include <dirent.h>

#include <algorithm>

#include "runtime_hooks/scheduler/sanitizers.h"
#include "runtime_hooks/scheduler/world.h"

namespace stranded::internal {
namespace {

#ifdef STRANDED_TSAN
constexpr int kSanitizerThreads = 1;
#else
constexpr int kSanitizerThreads = 0;
#endif

}  // namespace

int OsThreads() {
  int count = 0;
  if (DIR* dir = opendir("/proc/self/task")) {
    while (const dirent* entry = readdir(dir)) count += entry->d_name[0] != '.';
    closedir(dir);
  }
  return count;
}

int UnknownThreads() {
  const int known = runtime_threads.load(std::memory_order_relaxed) +
                    adopted_threads.load(std::memory_order_relaxed) + kSanitizerThreads;
  return std::max(0, OsThreads() - known);
}

}  // namespace stranded::internal
