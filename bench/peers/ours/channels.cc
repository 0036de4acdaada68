// Channels: hand-over between tasks, through a buffer, and along pipelines.
#include <stranded/channel.h>
#include <stranded/task.h>
#include <stranded/wait_group.h>

#include "bench/peers/measure.h"

namespace peers {
namespace {

using stranded::Chan;
using stranded::Go;
using stranded::WaitGroup;
using Number = std::int64_t;

const Register ping_pong("ping_pong", [] {
  Chan<Number> ping, pong;
  Warmed(Scaled(1000000), 1, [&](std::int64_t n) {
    Go([=] {
      for (std::int64_t i = 0; i < n; ++i) pong.Send(*ping.Recv() + 1);
    });
    for (std::int64_t i = 0; i < n; ++i) {
      ping.Send(i);
      Keep(pong.Recv());
    }
  });
});

const Register buffered_128("buffered_128", [] {
  Warmed(Scaled(5000000), 1, [](std::int64_t n) {
    Chan<Number> items(128);
    Go([=] {
      for (std::int64_t i = 0; i < n; ++i) items.Send(i);
      items.Close();
    });
    Number sum = 0;
    for (const Number v : items) sum += v;
    Keep(sum);
  });
});

const Register send_recv_one_task("send_recv_one_task", [] {
  Chan<Number> items(128);
  Warmed(Scaled(10000000), 1, [&](std::int64_t n) {
    for (std::int64_t i = 0; i < n; ++i) {
      items.Send(i);
      Keep(items.Recv());
    }
  });
});

const Register fan_in_100("fan_in_100", [] {
  Chan<Number> items;
  Warmed(Scaled(20000), 100, [&](std::int64_t n) {
    for (int s = 0; s < 100; ++s) {
      Go([=] {
        for (std::int64_t i = 0; i < n; ++i) items.Send(i);
      });
    }
    for (std::int64_t i = 0; i < 100 * n; ++i) Keep(items.Recv());
  });
});

void Filter(const Chan<Number>& in, const Chan<Number>& out, Number prime) {
  for (;;) {
    const Number v = *in.Recv();
    if (v % prime != 0) out.Send(v);
  }
}

const Register sieve_2000("sieve_2000", [] {
  const std::int64_t primes = Scaled(2000, 50);
  Measure(SieveTransfers(primes), [primes] {
    Chan<Number> in;
    Go([in] {
      for (Number v = 2;; ++v) in.Send(v);
    });
    for (std::int64_t i = 0; i < primes; ++i) {
      const Number prime = *in.Recv();
      const Chan<Number> out;
      Go([in, out, prime] { Filter(in, out, prime); });
      in = out;
    }
  });
});

// Eight pipelines of four stages with a little work each: scales with workers.
const Register pipelines_8("pipelines_8", [] {
  constexpr int kPipelines = 8, kStages = 4;
  Warmed(Scaled(20000), kPipelines * kStages, [](std::int64_t n) {
    WaitGroup all;
    for (int p = 0; p < kPipelines; ++p) {
      Chan<Number> in(16);
      Go([=] {
        for (std::int64_t i = 0; i < n; ++i) in.Send(i);
        in.Close();
      });
      for (int s = 1; s < kStages; ++s) {
        const Chan<Number> out(16);
        Go([=] {
          for (const Number v : in) {
            out.Send(static_cast<Number>(Spin(static_cast<std::uint64_t>(v))));
          }
          out.Close();
        });
        in = out;
      }
      all.Go([in] {
        for (const Number v : in) Keep(v);
      });
    }
    all.Wait();
  });
});

}  // namespace
}  // namespace peers
