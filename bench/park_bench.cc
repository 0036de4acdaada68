// Many parked tasks: what they cost in time and memory.
#include <stranded/channel.h>
#include <stranded/wait_group.h>

#include <atomic>

#include "bench/bench_support.h"

namespace stranded::bench {
namespace {

void ParkMany(benchmark::State& state) {
  const std::int64_t count = state.range(0);
  double bytes = 0, wake_seconds = 0;
  InPool(state.range(1), [&] {
    for (auto _ : state) {
      const double before = ResidentBytes();
      Chan<Unit> gate;
      WaitGroup all;
      std::atomic<std::int64_t> arrived{0};
      all.Add(static_cast<int>(count));
      for (std::int64_t i = 0; i < count; ++i) {
        Go([&] {
          arrived.fetch_add(1, std::memory_order_relaxed);
          gate.Recv();
          all.Done();
        });
      }
      while (arrived.load(std::memory_order_relaxed) < count) this_task::Yield();
      bytes = ResidentBytes() - before;
      const absl::Time woken = absl::Now();
      gate.Close();
      all.Wait();
      wake_seconds = absl::ToDoubleSeconds(absl::Now() - woken);
    }
  });
  const double n = static_cast<double>(count);
  state.counters["bytes_per_task"] = bytes / n;
  state.counters["wake_ns_per_task"] = wake_seconds * 1e9 / n;
  state.SetItemsProcessed(state.iterations() * count);
}

// The first iteration in a process pays for the memory: that is "cold", and "warm" reuses it.
// Growth of resident memory, bytes_per_task, is only meaningful where it is cold.
void Many(benchmark::internal::Benchmark* b) {
  Timed(b);
  b->ArgNames({"tasks", "workers"})->Iterations(1)->Unit(benchmark::kMillisecond);
}
BENCHMARK(ParkMany)->Name("park_cold")->Apply(Many)->Args({100000, 1})->Repetitions(1);
BENCHMARK(ParkMany)->Name("park_warm")->Apply(Many)->Args({100000, 1})->Args({100000, 2});
BENCHMARK(ParkMany)->Name("park_huge")->Apply(Many)->Args({1000000, 1})->Repetitions(1);

}  // namespace
}  // namespace stranded::bench
