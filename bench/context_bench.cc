// Contexts: making, ending and asking them.
#include <stranded/context.h>

#include <utility>
#include <vector>

#include "bench/bench_support.h"

namespace stranded::bench {
namespace {

struct RequestKey {
  using Value = int;
};

void CancelOne(benchmark::State& state) {
  InPool(state.range(0), [&] {
    for (auto _ : state) {
      auto [ctx, cancel] = WithCancel(Background());
      cancel();
    }
  });
}
BENCHMARK(CancelOne)->Name("with_cancel_cancel")->Apply(OneWorker);

void TimeoutCancel(benchmark::State& state) {
  InPool(state.range(0), [&] {
    for (auto _ : state) {
      auto [ctx, cancel] = WithTimeout(Background(), absl::Hours(1));
      cancel();
    }
  });
}
BENCHMARK(TimeoutCancel)->Name("with_timeout_cancel")->Apply(OneWorker);

// Only the one call that ends the parent is timed.
void CancelChildren(benchmark::State& state) {
  constexpr int kChildren = 10000;
  InPool(state.range(0), [&] {
    for (auto _ : state) {
      state.PauseTiming();
      {
        auto [parent, cancel] = WithCancel(Background());
        std::vector<std::pair<Context, CancelFunc>> children;
        for (int i = 0; i < kChildren; ++i) children.push_back(WithCancel(parent));
        state.ResumeTiming();
        cancel();
        state.PauseTiming();
        for (auto& child : children) child.second();
      }
      state.ResumeTiming();
    }
  });
  state.SetItemsProcessed(state.iterations() * kChildren);
}
BENCHMARK(CancelChildren)->Name("cancel_10k_children")->Apply(OneWorker);

// A value at the root, `depth` cancellable contexts below it.
template <class F>
void AtDepthTen(benchmark::State& state, F ask) {
  InPool(state.range(0), [&] {
    Context ctx = WithValue<RequestKey>(Background(), 7);
    std::vector<CancelFunc> cancels;
    for (int depth = 0; depth < 10; ++depth) {
      auto [child, cancel] = WithCancel(ctx);
      ctx = child;
      cancels.push_back(cancel);
    }
    for (auto _ : state) ask(ctx);
    for (const CancelFunc& cancel : cancels) cancel();
  });
}

void DoneAtDepth(benchmark::State& state) {
  AtDepthTen(state, [](const Context& ctx) { benchmark::DoNotOptimize(&ctx.Done()); });
}
BENCHMARK(DoneAtDepth)->Name("done_depth_10")->Apply(OneWorker);

void ErrAtDepth(benchmark::State& state) {
  AtDepthTen(state, [](const Context& ctx) { benchmark::DoNotOptimize(ctx.Err()); });
}
BENCHMARK(ErrAtDepth)->Name("err_depth_10")->Apply(OneWorker);

void ValueAtDepth(benchmark::State& state) {
  AtDepthTen(state, [](const Context& ctx) { benchmark::DoNotOptimize(ctx.Value<RequestKey>()); });
}
BENCHMARK(ValueAtDepth)->Name("value_depth_10")->Apply(OneWorker);

void MakeValue(benchmark::State& state) {
  InPool(state.range(0), [&] {
    for (auto _ : state) benchmark::DoNotOptimize(WithValue<RequestKey>(Background(), 7));
  });
}
BENCHMARK(MakeValue)->Name("with_value")->Apply(OneWorker);

}  // namespace
}  // namespace stranded::bench
