// How long tasks that run are held up while others are captured and diagnosed.
//
// Nothing stops the world, but a snapshot takes locks and holds parked tasks still for a moment. On
// a machine that is busy with other things a task is held up by those, too: what it waited for a
// core is left out of `pause_ms`, and is in `gap_ms`. `pause/nothing` shows what is left of it when
// there is no snapshot: hypervisors and interrupts.
#include <fcntl.h>
#include <stranded/channel.h>
#include <stranded/context.h>
#include <stranded/dump.h>
#include <stranded/dump_reader.h>
#include <stranded/report.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <utility>

#include "bench/bench_support.h"
#include "bench/crowd.h"

namespace stranded::bench {
namespace {

// Nanoseconds that the calling thread could have run, but other processes had the core.
class Waited {
 public:
  std::int64_t Ns() {
    if (file_ < 0) file_ = open("/proc/thread-self/schedstat", O_RDONLY | O_CLOEXEC);
    char text[128] = {};
    if (pread(file_, text, sizeof text - 1, 0) <= 0) return 0;
    char* end = nullptr;
    std::strtoll(text, &end, 10);  // what it ran
    return std::strtoll(end, nullptr, 10);
  }
  Waited() = default;
  Waited(const Waited&) = delete;
  Waited& operator=(const Waited&) = delete;
  ~Waited() { close(file_); }

 private:
  int file_ = -1;
};

// The longest time between two calls of Turn(), all on one thread.
class Gaps {
 public:
  void Turn() {
    const absl::Time now = absl::Now();
    const absl::Duration gap = now - before_;
    if (gap > absl::Microseconds(20)) Note(gap);  // else too short for another process' turn
    before_ = absl::Now();
  }
  double PauseMs() const { return absl::ToDoubleMilliseconds(pause_); }
  double GapMs() const { return absl::ToDoubleMilliseconds(gap_); }

 private:
  void Note(absl::Duration gap) {
    const std::int64_t waited = waited_.Ns();
    if (waited_before_ >= 0) {
      gap_ = std::max(gap_, gap);
      pause_ = std::max(pause_, gap - absl::Nanoseconds(waited - waited_before_));
    }
    waited_before_ = waited;
  }

  absl::Time before_ = absl::Now();
  absl::Duration gap_, pause_;
  Waited waited_;
  std::int64_t waited_before_ = -1;
};

using Stop = std::atomic<bool>;

// Never blocks.
void Yields(Gaps& gaps, const Stop& stop) {
  while (!stop.load(std::memory_order_relaxed)) {
    this_task::Yield();
    gaps.Turn();
  }
}

// Parks at each turn, so that the snapshot may hold it or its partner still.
void Talks(Gaps& gaps, const Stop& stop) {
  const Chan<int> there, back;
  const TaskHandle partner = Go([&] {
    for (int i = 0; (i = there.Recv().value_or(0)) != 0;) back.Send(i);
  });
  while (!stop.load(std::memory_order_relaxed)) {
    there.Send(1);
    back.Recv();
    gaps.Turn();
  }
  there.Close();
  partner.Join();
}

// Makes contexts, channels and tasks, and puts a timer among the others.
void Makes(Gaps& gaps, const Stop& stop) {
  while (!stop.load(std::memory_order_relaxed)) {
    auto [context, cancel] = WithTimeout(Background(), absl::Minutes(1));
    Chan<int> answer;
    const TaskHandle task = Go(context, [answer] { answer.Send(1); });
    answer.Recv();
    cancel();
    task.Join();
    gaps.Turn();
  }
}

void DiagnoseAll() {
  AnalysisOptions options;
  options.min_age = absl::ZeroDuration();
  auto dump = detector::ReadDump(CaptureDump(), "benchmark");
  if (dump.ok()) benchmark::DoNotOptimize(TextReport(Analyze(*std::move(dump), options)));
}

void PassTime() {
  const absl::Time end = absl::Now() + absl::Milliseconds(900);
  while (absl::Now() < end) {
  }
}

void Pause(benchmark::State& state, Crowd::Kind kind, void (*work)(Gaps&, const Stop&),
           void (*meanwhile)()) {
  Crowd crowd(state.range(0), kind);
  double pause = 0, gap = 0;
  for (auto _ : state) {
    Gaps gaps;
    Stop stop{false};
    std::atomic<bool> began{false};
    Pool other(PoolOptions{.workers = 1, .name = "at work"});
    // With timeouts: among those of the crowd.
    Pool& pool = kind == Crowd::kTimeouts ? crowd.pool() : other;
    const TaskHandle task = pool.Go([&] {
      began.store(true, std::memory_order_relaxed);
      work(gaps, stop);
    });
    while (!began.load(std::memory_order_relaxed)) {
    }
    meanwhile();
    stop.store(true, std::memory_order_relaxed);
    task.Join();
    pause = std::max(pause, gaps.PauseMs());
    gap = std::max(gap, gaps.GapMs());
  }
  state.counters["pause_ms"] = pause;
  state.counters["gap_ms"] = gap;
}

void Huge(benchmark::internal::Benchmark* b) {
  Timed(b);
  b->ArgName("tasks")->Arg(1000000)->Iterations(3)->Repetitions(1)->Unit(benchmark::kMillisecond);
}
BENCHMARK_CAPTURE(Pause, nothing, Crowd::kReceive, &Yields, &PassTime)
    ->Name("pause/nothing")
    ->Apply(Huge);
BENCHMARK_CAPTURE(Pause, yields, Crowd::kReceive, &Yields, &DiagnoseAll)
    ->Name("pause/yields")
    ->Apply(Huge);
BENCHMARK_CAPTURE(Pause, talks, Crowd::kReceive, &Talks, &DiagnoseAll)
    ->Name("pause/talks")
    ->Apply(Huge);
BENCHMARK_CAPTURE(Pause, makes, Crowd::kReceive, &Makes, &DiagnoseAll)
    ->Name("pause/makes")
    ->Apply(Huge);
BENCHMARK_CAPTURE(Pause, timeouts, Crowd::kTimeouts, &Makes, &DiagnoseAll)
    ->Name("pause/timeouts")
    ->Apply(Huge);

}  // namespace
}  // namespace stranded::bench
