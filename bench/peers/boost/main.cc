// Rows of the comparison on Boost.Fiber, where it has the thing.
#include <malloc.h>

#include <thread>

#include "bench/peers/boost/fibers.h"
#include "bench/peers/measure.h"

namespace {

namespace fibers = boost::fibers;

void Schedule(int workers) {
  if (workers == 1) {
    fibers::use_scheduling_algorithm<fibers::algo::round_robin>();
  } else {
    fibers::use_scheduling_algorithm<fibers::algo::shared_work>(true);
  }
}

// A worker that never leaves: the process ends with _Exit.
void Work(int workers) {
  Schedule(workers);
  static fibers::mutex mutex;
  static fibers::condition_variable never;
  std::unique_lock lock(mutex);
  never.wait(lock, [] { return false; });
}

}  // namespace

int main(int argc, char** argv) {
  mallopt(M_TRIM_THRESHOLD, 1 << 30);  // else glibc gives the top back and faults it in again
  return peers::Main(argc, argv, [](int workers, peers::Row row) {
    if (workers == 1) peers::stack_pool = new fibers::pooled_fixedsize_stack(peers::kStackBytes);
    for (int i = 1; i < workers; ++i) std::thread(Work, workers).detach();
    Schedule(workers);
    row();
  });
}
