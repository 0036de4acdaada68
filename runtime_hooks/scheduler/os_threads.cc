#include <dirent.h>
#include <pthread.h>
#include <signal.h>

#include <algorithm>
#include <mutex>
#include <utility>
#include <vector>

#include "absl/cleanup/cleanup.h"
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
    ~Counted() { runtime_threads.fetch_sub(1, std::memory_order_relaxed); }
  };
  runtime_threads.fetch_add(1, std::memory_order_relaxed);
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
