// What a check costs a test that leaves nothing behind.
#include <stranded/channel.h>
#include <stranded/leak_check.h>

#include "bench/bench_support.h"

namespace stranded::bench {
namespace {

void CleanScope(benchmark::State& state) {
  InPool(state.range(0), [&] {
    for (auto _ : state) {
      LeakScope scope("test");
      Chan<int> answer;
      TaskHandle task = Go([answer] { answer.Send(1); });
      benchmark::DoNotOptimize(answer.Recv());
      task.Join();
      if (!scope.Check().clean()) state.SkipWithError("a clean test was reported");
    }
  });
}
BENCHMARK(CleanScope)->Name("leak_check_clean_test")->Apply(OneWorker);

// The same test without a check, for comparison.
void NoScope(benchmark::State& state) {
  InPool(state.range(0), [&] {
    for (auto _ : state) {
      Chan<int> answer;
      TaskHandle task = Go([answer] { answer.Send(1); });
      benchmark::DoNotOptimize(answer.Recv());
      task.Join();
    }
  });
}
BENCHMARK(NoScope)->Name("leak_check_none")->Apply(OneWorker);

}  // namespace
}  // namespace stranded::bench
