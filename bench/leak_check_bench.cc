// What a check costs a test that leaves nothing behind, and one that leaves something.
#include <stranded/channel.h>
#include <stranded/dump.h>
#include <stranded/dump_reader.h>
#include <stranded/leak_check.h>

#include <vector>

#include "bench/bench_support.h"

namespace stranded::bench {
namespace {

void TinyTest() {
  Chan<int> answer;
  TaskHandle task = Go([answer] { answer.Send(1); });
  benchmark::DoNotOptimize(answer.Recv());
  task.Join();
}

void CleanScope(benchmark::State& state) {
  InPool(state.range(0), [&] {
    for (auto _ : state) {
      LeakScope scope("test");
      TinyTest();
      if (!scope.Check().clean()) state.SkipWithError("a clean test was reported");
    }
  });
}
BENCHMARK(CleanScope)->Name("leak_check_clean_test")->Apply(OneWorker);

// The same test without a check, for comparison.
void NoScope(benchmark::State& state) {
  InPool(state.range(0), [&] {
    for (auto _ : state) TinyTest();
  });
}
BENCHMARK(NoScope)->Name("leak_check_none")->Apply(OneWorker);

// `count` senders that nobody receives from, while `body` runs.
template <class F>
void WithStranded(std::int64_t count, F&& body) {
  const Chan<int> results;
  std::vector<TaskHandle> senders;
  LeakScope scope("test");
  for (std::int64_t i = 0; i < count; ++i) {
    senders.push_back(Go([results] { results.Send(1); }));
  }
  this_task::Yield();  // one worker: all have run, and parked, when it is this task's turn again
  body(scope);
  for (std::int64_t i = 0; i < count; ++i) results.Recv();
  for (const TaskHandle& sender : senders) sender.Join();
}

// The whole check: wait for quiet, capture, read, analyse, unwind and symbolise.
void StrandedScope(benchmark::State& state) {
  InPool(1, [&] {
    WithStranded(state.range(0), [&](LeakScope& scope) {
      std::size_t tasks = 0;
      for (auto _ : state) tasks = scope.Check().analysis().summary.stranded;
      state.counters["stranded"] = static_cast<double>(tasks);
    });
  });
}

// The same before symbolising, which is done once for each new place.
void StrandedBare(benchmark::State& state) {
  InPool(1, [&] {
    WithStranded(state.range(0), [&](LeakScope& scope) {
      benchmark::DoNotOptimize(scope.Check());  // the scope has ended
      AnalysisOptions options;
      options.symbolize = false;
      DumpOptions capture;
      capture.reason = "check";
      std::size_t tasks = 0;
      for (auto _ : state) {
        auto dump = detector::ReadDump(CaptureDump(capture), "benchmark");
        tasks = Analyze(*std::move(dump), options).summary.stranded;
      }
      state.counters["stranded"] = static_cast<double>(tasks);
    });
  });
}

void Few(benchmark::internal::Benchmark* b) {
  Timed(b);
  b->ArgName("stranded")->Arg(10)->Arg(1000)->Unit(benchmark::kMicrosecond);
}
BENCHMARK(StrandedScope)->Name("leak_check_stranded")->Apply(Few);
BENCHMARK(StrandedBare)->Name("leak_check_stranded_bare")->Apply(Few);

}  // namespace
}  // namespace stranded::bench
