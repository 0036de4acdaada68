// A million tasks: a tree of them, and a crowd that waits.
#include <stranded/channel.h>
#include <stranded/task.h>
#include <stranded/wait_group.h>

#include "bench/peers/measure.h"

namespace peers {
namespace {

using stranded::Chan;
using stranded::Go;
using Number = std::int64_t;

void Skynet(const Chan<Number>& out, Number number, Number size) {
  if (size == 1) return out.Send(number);
  const Chan<Number> parts;
  for (Number i = 0; i < 10; ++i) {
    Go([=] { Skynet(parts, number + i * (size / 10), size / 10); });
  }
  Number sum = 0;
  for (int i = 0; i < 10; ++i) sum += *parts.Recv();
  out.Send(sum);
}

const Register skynet_million("skynet_million", [] {
  const Number leaves = Scaled(1000000) < 1000000 ? 10000 : 1000000;
  const auto tree = [leaves] {
    const Chan<Number> total;
    Go([=] { Skynet(total, 0, leaves); });
    if (*total.Recv() != leaves * (leaves - 1) / 2) Report("wrong_sum", 1);
  };
  Measure(leaves * 10 / 9, tree, "cold_ns_per_op");
  Report("peak_bytes", PeakBytes());
  Measure(leaves * 10 / 9, tree);
});

// One crowd: made, parked, and woken by a close.
void Crowd(std::int64_t count, const std::string& prefix) {
  const double before = ResidentBytes();
  const Chan<Number> gate;
  stranded::WaitGroup started, finished;
  started.Add(static_cast<int>(count));
  finished.Add(static_cast<int>(count));
  const auto make = [&] {
    for (std::int64_t i = 0; i < count; ++i) {
      Go([&] {
        started.Done();
        gate.Recv();
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

// The first crowd finds cold memory; the second one uses the stacks again.
void Park(std::int64_t count) {
  Crowd(count, "cold_");
  Crowd(count, "warm_");
}
const Register park_100k("park_100k", [] { Park(Scaled(100000)); });
const Register park_million("park_million", [] { Park(Scaled(1000000)); });

}  // namespace
}  // namespace peers
