// The rows: the same work as in ours/ and go/.
#include <vector>

#include "bench/peers/boost/fibers.h"
#include "bench/peers/measure.h"

namespace peers {
namespace {

using boost::fibers::channel_op_status;

void Batch(long count) {
  WaitGroup& all = WaitGroup::Make();
  all.Add(count);
  for (long i = 0; i < count; ++i) Go([&all] { all.Done(); });
  all.Wait();
}

const Register spawn_batch_100("spawn_batch_100", [] {
  Warmed(Scaled(10000), 100, [](long n) {
    for (long i = 0; i < n; ++i) Batch(100);
  });
});

const Register spawn_million("spawn_million", [] {
  const long n = Scaled(1000000);
  Measure(
      n, [n] { Batch(n); }, "cold_ns_per_op");
  Measure(n, [n] { Batch(n); });
});

const Register spawn_join_one("spawn_join_one", [] {
  Warmed(Scaled(1000000), 1, [](long n) {
    WaitGroup& one = WaitGroup::Make();
    for (long i = 0; i < n; ++i) {
      one.Go([] {});
      one.Wait();
    }
  });
});

const Register yield("yield", [] {
  Warmed(Scaled(2000000), 2, [](long n) {
    WaitGroup& both = WaitGroup::Make();
    for (int i = 0; i < 2; ++i) {
      both.Go([n] {
        for (long k = 0; k < n; ++k) boost::this_fiber::yield();
      });
    }
    both.Wait();
  });
});

const Register ping_pong("ping_pong", [] {
  Unbuffered ping, pong;
  Warmed(Scaled(1000000), 1, [&](long n) {
    WaitGroup& echo = WaitGroup::Make();
    echo.Go([&, n] {
      for (long i = 0; i < n; ++i) pong.push(ping.value_pop() + 1);
    });
    for (long i = 0; i < n; ++i) {
      ping.push(i);
      Keep(pong.value_pop());
    }
    echo.Wait();
  });
});

const Register buffered_128("buffered_128", [] {
  Warmed(Scaled(5000000), 1, [](long n) {
    Buffered items(128);
    WaitGroup& producer = WaitGroup::Make();
    producer.Go([&items, n] {
      for (long i = 0; i < n; ++i) items.push(i);
      items.close();
    });
    long sum = 0, v = 0;
    while (items.pop(v) == channel_op_status::success) sum += v;
    Keep(sum);
    producer.Wait();
  });
});

const Register send_recv_one_task("send_recv_one_task", [] {
  Buffered items(128);
  Warmed(Scaled(10000000), 1, [&](long n) {
    for (long i = 0; i < n; ++i) {
      items.push(i);
      Keep(items.value_pop());
    }
  });
});

const Register fan_in_100("fan_in_100", [] {
  Unbuffered items;
  Warmed(Scaled(20000), 100, [&](long n) {
    WaitGroup& senders = WaitGroup::Make();
    for (int s = 0; s < 100; ++s) {
      senders.Go([&items, n] {
        for (long i = 0; i < n; ++i) items.push(i);
      });
    }
    for (long i = 0; i < 100 * n; ++i) Keep(items.value_pop());
    senders.Wait();
  });
});

const Register mutex_uncontended("mutex_uncontended", [] {
  boost::fibers::mutex mutex;
  long count = 0;
  Warmed(Scaled(30000000), 1, [&](long n) {
    for (long i = 0; i < n; ++i) {
      mutex.lock();
      ++count;
      mutex.unlock();
    }
  });
  Keep(count);
});

const Register mutex_hand_over_100("mutex_hand_over_100", [] {
  boost::fibers::mutex mutex;
  Warmed(Scaled(5000), 100, [&](long n) {
    WaitGroup& all = WaitGroup::Make();
    for (int i = 0; i < 100; ++i) {
      all.Go([&mutex, n] {
        for (long k = 0; k < n; ++k) {
          mutex.lock();
          boost::this_fiber::yield();
          mutex.unlock();
        }
      });
    }
    all.Wait();
  });
});

const Register sieve_2000("sieve_2000", [] {
  const long primes = Scaled(2000, 50);
  Measure(SieveTransfers(primes), [primes] {
    auto* in = new Unbuffered;
    Go([in] {
      for (long v = 2;; ++v) in->push(v);
    });
    for (long i = 0; i < primes; ++i) {
      const long prime = in->value_pop();
      auto* out = new Unbuffered;
      Go([in, out, prime] {
        for (;;) {
          const long v = in->value_pop();
          if (v % prime != 0) out->push(v);
        }
      });
      in = out;
    }
  });
});

void Skynet(Unbuffered& out, long number, long size) {
  if (size == 1) {
    out.push(number);
    return;
  }
  Unbuffered parts;
  for (long i = 0; i < 10; ++i) {
    Go([&parts, number, size, i] { Skynet(parts, number + i * (size / 10), size / 10); });
  }
  long sum = 0;
  for (int i = 0; i < 10; ++i) sum += parts.value_pop();
  out.push(sum);
}

const Register skynet_million("skynet_million", [] {
  const long leaves = Scaled(1000000) < 1000000 ? 10000 : 1000000;
  const auto tree = [leaves] {
    Unbuffered total;
    Go([&] { Skynet(total, 0, leaves); });
    if (total.value_pop() != leaves * (leaves - 1) / 2) Report("wrong_sum", 1);
  };
  Measure(leaves * 10 / 9, tree, "cold_ns_per_op");
  Report("peak_bytes", PeakBytes());
  Measure(leaves * 10 / 9, tree);
});

void Crowd(long count, const std::string& prefix) {
  const double before = ResidentBytes();
  auto& gate = *new Unbuffered;
  WaitGroup &started = WaitGroup::Make(), &finished = WaitGroup::Make();
  started.Add(count);
  finished.Add(count);
  const auto make = [&] {
    for (long i = 0; i < count; ++i) {
      Go([&] {
        started.Done();
        long v;
        gate.pop(v);
        finished.Done();
      });
    }
    started.Wait();
  };
  const auto wake = [&] {
    gate.close();
    finished.Wait();
  };
  Measure(count, make, prefix + "make_ns");
  Report(prefix + "bytes_per_task", (ResidentBytes() - before) / static_cast<double>(count));
  Measure(count, wake, prefix + "wake_ns");
}

void Park(long count) {
  Crowd(count, "cold_");
  Crowd(count, "warm_");
}
const Register park_100k("park_100k", [] { Park(Scaled(100000)); });
const Register park_million("park_million", [] { Park(Scaled(1000000)); });

}  // namespace
}  // namespace peers
