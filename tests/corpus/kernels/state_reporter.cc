// A reporter loop has no way out: it wakes up every period for ever.
#include <memory>

#include "stranded/stranded.h"
#include "tests/corpus/kernel.h"

namespace stranded::corpus {
namespace {

namespace leaky {

void Report(const Context& ctx) {
  Go(ctx, [] {
    for (;;) After(absl::Seconds(1)).Recv();  // blocks: chan_recv
  });
}

void Run() {
  auto [ctx, cancel] = WithCancel(Background());  // fix: call_cancel
  Report(ctx);
  auto kept = std::make_shared<CancelFunc>(cancel);  // the server never calls it
  Go([kept] { this_task::Yield(); });
}

}  // namespace leaky

namespace fixed {

void Report(const Context& ctx) {
  Go(ctx, [ctx = ctx] {
    for (;;) {
      if (Select(OnRecv(After(absl::Seconds(1))), OnDone(ctx)) == 1) return;
    }
  });
}

void Run() {
  auto [ctx, cancel] = WithCancel(Background());
  Report(ctx);
  cancel();
}

}  // namespace fixed

const Registered kRegistered("StateReporter", &leaky::Run, &fixed::Run);

}  // namespace
}  // namespace stranded::corpus
