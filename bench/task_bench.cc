// Spawning, joining, yielding.
#include <stranded/wait_group.h>

#include "bench/bench_support.h"

namespace stranded::bench {
namespace {

void SpawnFinish(benchmark::State& state) {
  constexpr int kBatch = 100;
  InPool(state.range(0), [&] {
    for (auto _ : state) {
      WaitGroup all;
      all.Add(kBatch);
      for (int i = 0; i < kBatch; ++i) Go([&all] { all.Done(); });
      all.Wait();
    }
  });
  state.SetItemsProcessed(state.iterations() * kBatch);
}
BENCHMARK(SpawnFinish)->Name("spawn_finish_100")->Apply(OneAndTwoWorkers);

void SpawnJoin(benchmark::State& state) {
  InPool(state.range(0), [&] {
    for (auto _ : state) Go([] {}).Join();
  });
}
BENCHMARK(SpawnJoin)->Name("spawn_join")->Apply(OneAndTwoWorkers);

void Yield(benchmark::State& state) {
  InPool(state.range(0), [&] {
    for (auto _ : state) this_task::Yield();
  });
}
BENCHMARK(Yield)->Name("yield")->Apply(OneAndTwoWorkers);

}  // namespace
}  // namespace stranded::bench
