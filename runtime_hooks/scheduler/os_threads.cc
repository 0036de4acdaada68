#include <dirent.h>
#include <pthread.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <mutex>
#include <utility>
#include <vector>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/numbers.h"
#include "runtime_hooks/scheduler/sanitizers.h"
#include "runtime_hooks/scheduler/world.h"

namespace stranded::internal {
namespace {

// Never destroyed: threads end after static destructors, too.
struct AdoptedList {
  std::mutex mutex;
  std::vector<Task*> tasks;
};
AdoptedList& Adopted() {
  static auto& list = *new AdoptedList;
  return list;
}

// The kernel's numbers of threads that the runtime started. One that is just starting, or has done
// its work, may stand among the process's and not here, for a moment. Never destroyed, as above.
struct RuntimeTids {
  std::mutex mutex;
  std::vector<pid_t> running;
};
RuntimeTids& Tids() {
  static auto& tids = *new RuntimeTids;
  return tids;
}

// Makes room, so that the new thread need not: it may begin in the middle of what counts
// allocations.
void ExpectThread() {
  std::lock_guard lock(Tids().mutex);
  const auto most = static_cast<std::size_t>(runtime_threads.load(std::memory_order_relaxed));
  Tids().running.reserve(std::bit_ceil(most));
}

void NoteBegun() {
  std::lock_guard lock(Tids().mutex);
  Tids().running.push_back(gettid());
}

void NoteEnded() {
  std::lock_guard lock(Tids().mutex);
  std::erase(Tids().running, gettid());
}

// Calls f(tid).
template <class F>
void ForEachThread(F&& f) {
  DIR* dir = opendir("/proc/self/task");
  if (dir == nullptr) return;
  while (const dirent* entry = readdir(dir)) {
    pid_t tid = 0;
    if (absl::SimpleAtoi(entry->d_name, &tid)) f(tid);
  }
  closedir(dir);
}

#ifdef STRANDED_TSAN
constexpr int kSanitizerThreads = 1;
#else
constexpr int kSanitizerThreads = 0;
#endif

}  // namespace

void NoteAdopted(Task* task) {
  std::lock_guard lock(Adopted().mutex);
  Adopted().tasks.push_back(task);
}

void ForgetAdopted(Task* task) {
  std::lock_guard lock(Adopted().mutex);
  std::erase(Adopted().tasks, task);
}

void ForEachAdopted(void (*f)(Task* task, void* arg), void* arg) {
  std::lock_guard lock(Adopted().mutex);
  for (Task* task : Adopted().tasks) f(task, arg);
}

std::thread StartRuntimeThread(std::function<void()> body) {
  struct Counted {
    Counted() { NoteBegun(); }
    ~Counted() {
      NoteEnded();
      runtime_threads.fetch_sub(1, std::memory_order_relaxed);
    }
  };
  runtime_threads.fetch_add(1, std::memory_order_relaxed);
  ExpectThread();
  try {
    return std::thread([body = std::move(body)] {
      const Counted until_it_ends;
      body();
    });
  } catch (...) {
    runtime_threads.fetch_sub(1, std::memory_order_relaxed);
    throw;
  }
}

void StartServiceThread(std::function<void()> body) {
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  const absl::Cleanup restore = [&before] { pthread_sigmask(SIG_SETMASK, &before, nullptr); };
  StartRuntimeThread(std::move(body)).detach();
}

namespace {
void EraseRuntimes(std::vector<pid_t>& threads) {
  std::lock_guard lock(Tids().mutex);
  for (const pid_t ours : Tids().running) std::erase(threads, ours);
}
}  // namespace

std::vector<pid_t> ForeignThreads() {
  std::vector<pid_t> all;
  ForEachThread([&all](pid_t tid) { all.push_back(tid); });
  std::sort(all.begin(), all.end());
  EraseRuntimes(all);  // after the list: what begins meanwhile is among them by now
  return all;
}

namespace {

// How many threads there are, and how many of the runtime's; 0: not known. These count as such
// until just before they end.
std::uint64_t ThreadCounts() {
  struct stat folder = {};
  if (stat("/proc/self/task", &folder) != 0) return 0;
  return std::uint64_t{folder.st_nlink} << 32 |
         static_cast<std::uint32_t>(runtime_threads.load(std::memory_order_relaxed));
}

// What ForeignThreads() said when there were so many.
struct LastList {
  std::mutex mutex;
  std::uint64_t counts = 0;
  std::vector<pid_t> foreign;
};
LastList& Last() {
  static auto& last = *new LastList;
  return last;
}

// With which counts the caller was found to be the only thread that is not the runtime's. Relaxed:
// a hint for that thread.
std::atomic<std::uint64_t> alone_with{0};

}  // namespace

std::vector<pid_t> ForeignThreadsOfLate() {
  const std::uint64_t counts = ThreadCounts();
  std::lock_guard lock(Last().mutex);
  if (counts == 0 || counts != Last().counts) {
    Last().foreign = ForeignThreads();
    // One may have ended or begun meanwhile: then the list is not that of so many.
    Last().counts = ThreadCounts() == counts ? counts : 0;
  }
  EraseRuntimes(Last().foreign);  // those that were just starting then
  const bool alone = Last().foreign.size() == 1 && Last().foreign.front() == gettid();
  alone_with.store(alone ? Last().counts : 0, std::memory_order_relaxed);
  return Last().foreign;
}

bool MayHaveCompany() {
  const std::uint64_t counts = ThreadCounts();
  return counts == 0 || counts != alone_with.load(std::memory_order_relaxed);
}

void ForgetForeignThreads() {
  std::lock_guard lock(Last().mutex);
  Last().counts = 0;
  alone_with.store(0, std::memory_order_relaxed);
}

int UnknownThreads() {
  const int known = runtime_threads.load(std::memory_order_relaxed) +
                    adopted_threads.load(std::memory_order_relaxed) + kSanitizerThreads;
  int count = 0;
  ForEachThread([&count](pid_t) { ++count; });
  return std::max(0, count - known);
}

}  // namespace stranded::internal
