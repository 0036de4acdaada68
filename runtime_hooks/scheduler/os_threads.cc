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

std::vector<pid_t> ForeignThreads() {
  std::vector<pid_t> all;
  ForEachThread([&all](pid_t tid) { all.push_back(tid); });
  std::sort(all.begin(), all.end());
  // After the list: what begins meanwhile is among `running` by now.
  std::lock_guard lock(Tids().mutex);
  for (const pid_t ours : Tids().running) std::erase(all, ours);
  return all;
}

namespace {

// What ForeignThreads() said when the process had so many threads.
struct LastList {
  std::mutex mutex;
  nlink_t links = 0;  // of the folder; 0: none
  std::vector<pid_t> foreign;
};
LastList& Last() {
  static auto& last = *new LastList;
  return last;
}

}  // namespace

std::vector<pid_t> ForeignThreadsOfLate() {
  struct stat folder = {};
  const bool known = stat("/proc/self/task", &folder) == 0;
  std::lock_guard lock(Last().mutex);
  if (!known || folder.st_nlink != Last().links) {
    Last().foreign = ForeignThreads();
    Last().links = known ? folder.st_nlink : 0;
  }
  return Last().foreign;
}

void ForgetForeignThreads() {
  std::lock_guard lock(Last().mutex);
  Last().links = 0;
}

int UnknownThreads() {
  const int known = runtime_threads.load(std::memory_order_relaxed) +
                    adopted_threads.load(std::memory_order_relaxed) + kSanitizerThreads;
  int count = 0;
  ForEachThread([&count](pid_t) { ++count; });
  return std::max(0, count - known);
}

}  // namespace stranded::internal
