// Spawning, joining, yielding.
#include <stranded/task.h>
#include <stranded/wait_group.h>

#include "bench/peers/measure.h"

namespace peers {
namespace {

using stranded::Go;
using stranded::WaitGroup;

void Batch(std::int64_t count) {
  WaitGroup all;
  all.Add(static_cast<int>(count));
  for (std::int64_t i = 0; i < count; ++i) Go([&all] { all.Done(); });
  all.Wait();
}

const Register spawn_batch_100("spawn_batch_100", [] {
  Warmed(Scaled(10000), 100, [](std::int64_t n) {
    for (std::int64_t i = 0; i < n; ++i) Batch(100);
  });
});

const Register spawn_million("spawn_million", [] {
  const std::int64_t n = Scaled(1000000);
  Measure(
      n, [n] { Batch(n); }, "cold_ns_per_op");
  Measure(n, [n] { Batch(n); });
});

const Register spawn_join_one("spawn_join_one", [] {
  Warmed(Scaled(1000000), 1, [](std::int64_t n) {
    WaitGroup one;
    for (std::int64_t i = 0; i < n; ++i) {
      one.Add(1);
      Go([&one] { one.Done(); });
      one.Wait();
    }
  });
});

const Register yield("yield", [] {
  Warmed(Scaled(2000000), 2, [](std::int64_t n) {
    WaitGroup both;
    for (int i = 0; i < 2; ++i) {
      both.Go([n] {
        for (std::int64_t k = 0; k < n; ++k) stranded::this_task::Yield();
      });
    }
    both.Wait();
  });
});

// Eight tasks that each spawn tasks with a little work: scales with workers.
const Register spawn_independent("spawn_independent", [] {
  Warmed(Scaled(100000), 8, [](std::int64_t n) {
    WaitGroup all;
    for (int i = 0; i < 8; ++i) {
      all.Go([&all, n] {
        all.Add(static_cast<int>(n));
        for (std::int64_t k = 0; k < n; ++k) {
          Go([&all, k] {
            Keep(Spin(static_cast<std::uint64_t>(k)));
            all.Done();
          });
        }
      });
    }
    all.Wait();
  });
});

}  // namespace
}  // namespace peers
