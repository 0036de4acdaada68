// What the benchmarks share.
//
// Overview: a benchmark runs its loop inside one task of a pool with a given number of workers, so
// that the loop itself may block. Times are wall times; the CPU column is the whole process, since
// work moves between threads.
// Thread safety: called on the main thread. Invariants: none beyond the pool's.
// Ownership: InPool joins everything it started.
#ifndef STRANDED_BENCH_BENCH_SUPPORT_H_
#define STRANDED_BENCH_BENCH_SUPPORT_H_

#include <benchmark/benchmark.h>
#include <stranded/task.h>

#include <cstdint>
#include <fstream>
#include <string>
#include <utility>

namespace stranded::bench {

template <class F>
void InPool(std::int64_t workers, F&& body) {
  Pool pool(PoolOptions{.workers = static_cast<int>(workers), .name = "bench"});
  pool.Go(std::forward<F>(body)).Join();
}

inline void Timed(benchmark::internal::Benchmark* b) { b->UseRealTime()->MeasureProcessCPUTime(); }

inline void OneWorker(benchmark::internal::Benchmark* b) {
  Timed(b);
  b->ArgName("workers")->Arg(1);
}

inline void OneAndTwoWorkers(benchmark::internal::Benchmark* b) {
  OneWorker(b);
  b->Arg(2);
}

// Resident memory of this process.
inline double ResidentBytes() {
  std::ifstream statm("/proc/self/statm");
  double size = 0, resident = 0;
  statm >> size >> resident;
  return resident * 4096;
}

}  // namespace stranded::bench

#endif  // STRANDED_BENCH_BENCH_SUPPORT_H_
