// Select over four channels and the end of a context.
#include <stranded/channel.h>
#include <stranded/context.h>
#include <stranded/select.h>

#include <array>

#include "bench/bench_support.h"

namespace stranded::bench {
namespace {

// One iteration: the select parks, another task sends, the select answers.
void SelectBlocking(benchmark::State& state) {
  InPool(state.range(0), [&] {
    auto [ctx, cancel] = WithCancel(Background());
    std::array<Chan<int>, 4> in;
    Chan<int> asked;
    TaskHandle sender = Go([&in, asked] {
      for (int which : asked) in[static_cast<std::size_t>(which)].Send(which);
    });
    int next = 0;
    for (auto _ : state) {
      asked.Send(next++ & 3);
      Select(OnRecv(in[0]), OnRecv(in[1]), OnRecv(in[2]), OnRecv(in[3]), OnDone(ctx));
    }
    asked.Close();
    sender.Join();
    cancel();
  });
}
BENCHMARK(SelectBlocking)->Name("select_4_done_blocking")->Apply(OneAndTwoWorkers);

void SelectOneReady(benchmark::State& state) {
  InPool(state.range(0), [&] {
    auto [ctx, cancel] = WithCancel(Background());
    std::array<Chan<int>, 3> in;
    Chan<int> ready(1);
    for (auto _ : state) {
      ready.Send(1);
      Select(OnRecv(in[0]), OnRecv(in[1]), OnRecv(ready), OnRecv(in[2]), OnDone(ctx));
    }
    cancel();
  });
}
BENCHMARK(SelectOneReady)->Name("select_4_done_one_ready")->Apply(OneWorker);

void SelectDefault(benchmark::State& state) {
  InPool(state.range(0), [&] {
    auto [ctx, cancel] = WithCancel(Background());
    std::array<Chan<int>, 4> in;
    for (auto _ : state) {
      Select(OnRecv(in[0]), OnRecv(in[1]), OnRecv(in[2]), OnRecv(in[3]), OnDone(ctx), Default());
    }
    cancel();
  });
}
BENCHMARK(SelectDefault)->Name("select_4_done_default")->Apply(OneWorker);

}  // namespace
}  // namespace stranded::bench
