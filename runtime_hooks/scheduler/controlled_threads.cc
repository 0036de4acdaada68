// Threads that the runtime did not start, beside a controlled world.
#include <unistd.h>

#include <algorithm>
#include <mutex>
#include <utility>
#include <vector>

#include "runtime_hooks/scheduler/controlled_world.h"
#include "runtime_hooks/scheduler/thread_state.h"

namespace stranded::internal {
namespace {

// Threads that were at work for as long as a world had patience, and for nothing: they go on
// whatever worlds do. By the kernel's numbers.
struct Unconcerned {
  std::mutex mutex;
  std::vector<int> tids;  // guarded by mutex
};
Unconcerned& AllUnconcerned() {
  static auto& all = *new Unconcerned;  // never destroyed: worlds outlive statics
  return all;
}

bool IsUnconcerned(int tid) {
  std::lock_guard lock(AllUnconcerned().mutex);
  const std::vector<int>& tids = AllUnconcerned().tids;
  return std::find(tids.begin(), tids.end(), tid) != tids.end();
}

}  // namespace

// It was not there when this world began.
bool ControlledWorld::IsNew(int thread) const {
  return !std::binary_search(threads_at_start_.begin(), threads_at_start_.end(), thread);
}

int ControlledWorld::ThreadsSince() const {
  std::vector<int> now = ForeignThreads();
  // A thread that ends while they are listed may hide another one.
  const std::vector<int> again = ForeignThreads();
  now.insert(now.end(), again.begin(), again.end());
  std::sort(now.begin(), now.end());
  now.erase(std::unique(now.begin(), now.end()), now.end());
  const auto since = std::count_if(now.begin(), now.end(), [this](int t) { return IsNew(t); });
  if (since > 0) ForgetForeignThreads();
  return static_cast<int>(since);
}

// Those that run; and those that sleep for a time, if they are new: older ones do so again and
// again. Who waits for anything else is woken from here, or from outside of the process.
std::vector<int> ControlledWorld::ThreadsAtWork() const {
  if (!MayHaveCompany()) [[likely]]
    return {};
  const int self = gettid();
  for (bool again = false;; again = true) {
    std::vector<int> at_work;
    bool gone = false;
    for (const int tid : ForeignThreadsOfLate()) {
      if (tid == self || IsUnconcerned(tid)) continue;
      const ThreadState state = StateOfThread(tid);
      gone = gone || state == ThreadState::kGone;
      if (state == ThreadState::kRuns || (state == ThreadState::kSleeps && IsNew(tid))) {
        at_work.push_back(tid);
      }
    }
    if (!gone || again) return at_work;
    ForgetForeignThreads();  // another one may have begun where that one ended
  }
}

std::vector<int> ControlledWorld::OlderAtWork() const {
  std::vector<int> threads = ThreadsAtWork();
  std::erase_if(threads, [this](int tid) { return IsNew(tid); });
  return threads;
}

void SeenAtEachLook::Look(const std::vector<int>& threads) {
  if (std::exchange(first_, false)) threads_ = threads;
  std::erase_if(threads_, [&](int tid) {
    return std::find(threads.begin(), threads.end(), tid) == threads.end();
  });
}

void ControlledWorld::LeaveAlone(const std::vector<int>& threads) {
  std::lock_guard lock(AllUnconcerned().mutex);
  std::vector<int>& tids = AllUnconcerned().tids;
  constexpr std::size_t kMost = 1024;  // numbers come again
  if (tids.size() > kMost) tids.clear();
  tids.insert(tids.end(), threads.begin(), threads.end());
}

}  // namespace stranded::internal
