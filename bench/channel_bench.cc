// Channels: hand-over between tasks, and through a buffer.
#include <stranded/channel.h>

#include <vector>

#include "bench/bench_support.h"

namespace stranded::bench {
namespace {

// One iteration is a round trip: two hand-overs.
void PingPong(benchmark::State& state) {
  InPool(state.range(0), [&] {
    Chan<int> ping, pong;
    TaskHandle echo = Go([=] {
      for (int v : ping) pong.Send(v);
    });
    for (auto _ : state) {
      ping.Send(1);
      benchmark::DoNotOptimize(pong.Recv());
    }
    ping.Close();
    echo.Join();
  });
}
BENCHMARK(PingPong)->Name("ping_pong_unbuffered")->Apply(OneAndTwoWorkers);

void ProducerConsumer(benchmark::State& state) {
  InPool(state.range(0), [&] {
    Chan<int> items(128);
    TaskHandle consumer = Go([=] {
      for (int v : items) benchmark::DoNotOptimize(v);
    });
    for (auto _ : state) items.Send(1);
    items.Close();
    consumer.Join();
  });
}
BENCHMARK(ProducerConsumer)->Name("producer_consumer_128")->Apply(OneAndTwoWorkers);

void SendRecvInOneTask(benchmark::State& state) {
  InPool(state.range(0), [&] {
    Chan<int> items(1);
    for (auto _ : state) {
      items.Send(1);
      benchmark::DoNotOptimize(items.Recv());
    }
  });
}
BENCHMARK(SendRecvInOneTask)->Name("send_recv_one_task")->Apply(OneWorker);

void FanIn(benchmark::State& state) {
  constexpr int kSenders = 100;
  InPool(state.range(0), [&] {
    Chan<int> items;
    Chan<Unit> stop;
    std::vector<TaskHandle> senders;
    for (int i = 0; i < kSenders; ++i) {
      senders.push_back(Go([=] {
        for (;;) {
          items.Send(1);
          if (stop.TryRecv().closed()) return;
        }
      }));
    }
    for (auto _ : state) benchmark::DoNotOptimize(items.Recv());
    stop.Close();
    // Every sender has one send ahead of it, or has just stopped after one.
    for (const TaskHandle& sender : senders) {
      while (!sender.Finished()) {
        if (items.TryRecv().empty()) this_task::Yield();
      }
    }
  });
}
BENCHMARK(FanIn)->Name("fan_in_100_senders")->Apply(OneAndTwoWorkers);

}  // namespace
}  // namespace stranded::bench
