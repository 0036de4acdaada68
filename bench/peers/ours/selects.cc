// Select over four channels and a channel that says stop.
#include <stranded/channel.h>
#include <stranded/select.h>
#include <stranded/task.h>
#include <stranded/wait_group.h>

#include <array>

#include "bench/peers/measure.h"

namespace peers {
namespace {

using stranded::Chan;
using stranded::OnRecv;
using stranded::Select;
using Number = std::int64_t;

const Register select_blocking("select_blocking", [] {
  Warmed(Scaled(500000), 4, [](std::int64_t n) {
    std::array<Chan<Number>, 4> in;
    const Chan<stranded::Unit> stop;
    stranded::WaitGroup senders;
    for (const Chan<Number>& chan : in) {
      senders.Go([chan, n] {
        for (std::int64_t i = 0; i < n; ++i) chan.Send(i);
      });
    }
    stranded::Go([&senders, stop] {
      senders.Wait();
      stop.Close();
    });
    Number sum = 0;
    const auto add = [&sum](std::optional<Number> v) { sum += *v; };
    while (Select(OnRecv(in[0], add), OnRecv(in[1], add), OnRecv(in[2], add), OnRecv(in[3], add),
                  OnRecv(stop)) != 4) {
    }
    Keep(sum);
  });
});

const Register select_one_ready("select_one_ready", [] {
  const std::array<Chan<Number>, 4> in = {Chan<Number>(1), Chan<Number>(1), Chan<Number>(1),
                                          Chan<Number>(1)};
  const Chan<stranded::Unit> stop;
  Warmed(Scaled(3000000), 1, [&](std::int64_t n) {
    Number sum = 0;
    const auto add = [&sum](std::optional<Number> v) { sum += *v; };
    for (std::int64_t i = 0; i < n; ++i) {
      in[static_cast<std::size_t>(i & 3)].Send(i);
      Select(OnRecv(in[0], add), OnRecv(in[1], add), OnRecv(in[2], add), OnRecv(in[3], add),
             OnRecv(stop));
    }
    Keep(sum);
  });
});

const Register select_default("select_default", [] {
  const std::array<Chan<Number>, 4> in = {Chan<Number>(1), Chan<Number>(1), Chan<Number>(1),
                                          Chan<Number>(1)};
  Warmed(Scaled(5000000), 1, [&](std::int64_t n) {
    Number sum = 0;
    const auto add = [&sum](std::optional<Number> v) { sum += *v; };
    for (std::int64_t i = 0; i < n; ++i) {
      Select(OnRecv(in[0], add), OnRecv(in[1], add), OnRecv(in[2], add), OnRecv(in[3], add),
             stranded::Default());
    }
    Keep(sum);
  });
});

}  // namespace
}  // namespace peers
