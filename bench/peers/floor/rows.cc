// The rows: the same work as in ours/ and go/, on one thread.
#include "bench/peers/floor/floor.h"
#include "bench/peers/measure.h"

namespace peers {
namespace {

using floor::Channel;
using floor::Go;
using floor::WaitGroup;
using Number = std::int64_t;

void Batch(Number count) {
  WaitGroup all;
  all.Add(count);
  for (Number i = 0; i < count; ++i) Go([&all] { all.Done(); });
  all.Wait();
}

const Register spawn_batch_100("spawn_batch_100", [] {
  Warmed(Scaled(10000), 100, [](Number n) {
    for (Number i = 0; i < n; ++i) Batch(100);
  });
});

const Register spawn_million("spawn_million", [] {
  const Number n = Scaled(1000000);
  Measure(
      n, [n] { Batch(n); }, "cold_ns_per_op");
  Measure(n, [n] { Batch(n); });
});

const Register spawn_join_one("spawn_join_one", [] {
  Warmed(Scaled(1000000), 1, [](Number n) {
    for (Number i = 0; i < n; ++i) Batch(1);
  });
});

const Register yield("yield", [] {
  Warmed(Scaled(2000000), 2, [](Number n) {
    WaitGroup both;
    both.Add(2);
    for (int i = 0; i < 2; ++i) {
      Go([&both, n] {
        for (Number k = 0; k < n; ++k) floor::Yield();
        both.Done();
      });
    }
    both.Wait();
  });
});

const Register ping_pong("ping_pong", [] {
  Warmed(Scaled(1000000), 1, [](Number n) {
    Channel ping, pong;
    WaitGroup echo;
    echo.Add(1);
    Go([&, n] {
      for (Number i = 0, v = 0; i < n && ping.Recv(&v); ++i) pong.Send(v + 1);
      echo.Done();
    });
    for (Number i = 0, v = 0; i < n; ++i) {
      ping.Send(i);
      pong.Recv(&v);
      Keep(v);
    }
    echo.Wait();
  });
});

const Register buffered_128("buffered_128", [] {
  Warmed(Scaled(5000000), 1, [](Number n) {
    Channel items(128);
    WaitGroup producer;
    producer.Add(1);
    Go([&, n] {
      for (Number i = 0; i < n; ++i) items.Send(i);
      items.Close();
      producer.Done();
    });
    Number sum = 0, v = 0;
    while (items.Recv(&v)) sum += v;
    Keep(sum);
    producer.Wait();
  });
});

const Register send_recv_one_task("send_recv_one_task", [] {
  Channel items(128);
  Warmed(Scaled(10000000), 1, [&](Number n) {
    for (Number i = 0, v = 0; i < n; ++i) {
      items.Send(i);
      items.Recv(&v);
      Keep(v);
    }
  });
});

const Register fan_in_100("fan_in_100", [] {
  Warmed(Scaled(20000), 100, [](Number n) {
    Channel items;
    WaitGroup senders;
    senders.Add(100);
    for (int s = 0; s < 100; ++s) {
      Go([&, n] {
        for (Number i = 0; i < n; ++i) items.Send(i);
        senders.Done();
      });
    }
    for (Number i = 0, v = 0; i < 100 * n; ++i) {
      items.Recv(&v);
      Keep(v);
    }
    senders.Wait();
  });
});

const Register mutex_uncontended("mutex_uncontended", [] {
  floor::Mutex mutex;
  Number count = 0;
  Warmed(Scaled(30000000), 1, [&](Number n) {
    for (Number i = 0; i < n; ++i) {
      mutex.Lock();
      ++count;
      Keep(count);
      mutex.Unlock();
    }
  });
});

const Register mutex_hand_over_100("mutex_hand_over_100", [] {
  Warmed(Scaled(5000), 100, [](Number n) {
    floor::Mutex mutex;
    WaitGroup all;
    all.Add(100);
    for (int i = 0; i < 100; ++i) {
      Go([&, n] {
        for (Number k = 0; k < n; ++k) {
          mutex.Lock();
          floor::Yield();
          mutex.Unlock();
        }
        all.Done();
      });
    }
    all.Wait();
  });
});

void Skynet(Channel& out, Number number, Number size) {
  if (size == 1) return out.Send(number);
  Channel parts;
  for (Number i = 0; i < 10; ++i) {
    Go([&parts, number, size, i] { Skynet(parts, number + i * (size / 10), size / 10); });
  }
  Number sum = 0;
  for (Number i = 0, v = 0; i < 10; ++i) {
    parts.Recv(&v);
    sum += v;
  }
  out.Send(sum);
}

const Register skynet_million("skynet_million", [] {
  const Number leaves = Scaled(1000000) < 1000000 ? 10000 : 1000000;
  const auto tree = [leaves] {
    Channel total;
    Go([&] { Skynet(total, 0, leaves); });
    Number sum = 0;
    total.Recv(&sum);
    if (sum != leaves * (leaves - 1) / 2) Report("wrong_sum", 1);
  };
  Measure(leaves * 10 / 9, tree, "cold_ns_per_op");
  Report("peak_bytes", PeakBytes());
  Measure(leaves * 10 / 9, tree);
});

const Register sieve_2000("sieve_2000", [] {
  const Number primes = Scaled(2000, 50);
  Measure(SieveTransfers(primes), [primes] {
    auto* in = new Channel;
    Go([in] {
      for (Number v = 2;; ++v) in->Send(v);
    });
    for (Number i = 0, prime = 0; i < primes; ++i) {
      in->Recv(&prime);
      auto* out = new Channel;
      Go([in, out, prime] {
        for (Number v = 0; in->Recv(&v);) {
          if (v % prime != 0) out->Send(v);
        }
      });
      in = out;
    }
  });
});

void Crowd(Number count, const std::string& prefix) {
  const double before = ResidentBytes();
  Channel gate;
  WaitGroup started, finished;
  started.Add(count);
  finished.Add(count);
  const auto make = [&] {
    for (Number i = 0; i < count; ++i) {
      Go([&] {
        Number v = 0;
        started.Done();
        gate.Recv(&v);
        finished.Done();
      });
    }
    started.Wait();
  };
  const auto wake = [&] {
    gate.Close();
    finished.Wait();
  };
  Measure(count, make, prefix + "make_ns");
  Report(prefix + "bytes_per_task", (ResidentBytes() - before) / static_cast<double>(count));
  Measure(count, wake, prefix + "wake_ns");
}

void Park(Number count) {
  Crowd(count, "cold_");
  Crowd(count, "warm_");
}
const Register park_100k("park_100k", [] { Park(Scaled(100000)); });
const Register park_million("park_million", [] { Park(Scaled(1000000)); });

}  // namespace
}  // namespace peers

int main(int argc, char** argv) {
  return peers::Main(argc, argv, [](int, peers::Row row) { row(); });
}
