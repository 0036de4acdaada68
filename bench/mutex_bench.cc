// Mutex without and with contention.
#include <stranded/mutex.h>

#include <vector>

#include "bench/bench_support.h"

namespace stranded::bench {
namespace {

void MutexUncontended(benchmark::State& state) {
  InPool(state.range(0), [&] {
    Mutex mutex;
    for (auto _ : state) {
      mutex.Lock();
      mutex.Unlock();
    }
  });
}
BENCHMARK(MutexUncontended)->Name("mutex_uncontended")->Apply(OneWorker);

// Each holder yields while it holds the lock, so that the others park for it. One iteration is 100
// tasks with ten turns each.
void MutexHandOver(benchmark::State& state) {
  constexpr int kTasks = 100, kTurns = 10;
  InPool(state.range(0), [&] {
    for (auto _ : state) {
      Mutex mutex;
      std::vector<TaskHandle> tasks;
      for (int i = 0; i < kTasks; ++i) {
        tasks.push_back(Go([&mutex] {
          for (int turn = 0; turn < kTurns; ++turn) {
            mutex.Lock();
            this_task::Yield();
            mutex.Unlock();
          }
        }));
      }
      for (const TaskHandle& task : tasks) task.Join();
    }
  });
  state.SetItemsProcessed(state.iterations() * kTasks * kTurns);
}
BENCHMARK(MutexHandOver)->Name("mutex_hand_over_100")->Apply(OneAndTwoWorkers);

}  // namespace
}  // namespace stranded::bench
