// Mutex without and with contention.
#include <stranded/mutex.h>
#include <stranded/task.h>
#include <stranded/wait_group.h>

#include "bench/peers/measure.h"

namespace peers {
namespace {

const Register mutex_uncontended("mutex_uncontended", [] {
  stranded::Mutex mutex;
  std::int64_t count = 0;
  Warmed(Scaled(30000000), 1, [&](std::int64_t n) {
    for (std::int64_t i = 0; i < n; ++i) {
      mutex.Lock();
      ++count;
      mutex.Unlock();
    }
  });
  Keep(count);
});

// Each holder yields while it holds the lock, so that the 99 others park for it.
const Register mutex_hand_over_100("mutex_hand_over_100", [] {
  stranded::Mutex mutex;
  Warmed(Scaled(5000), 100, [&](std::int64_t n) {
    stranded::WaitGroup all;
    for (int i = 0; i < 100; ++i) {
      all.Go([&mutex, n] {
        for (std::int64_t k = 0; k < n; ++k) {
          mutex.Lock();
          stranded::this_task::Yield();
          mutex.Unlock();
        }
      });
    }
    all.Wait();
  });
});

}  // namespace
}  // namespace peers
