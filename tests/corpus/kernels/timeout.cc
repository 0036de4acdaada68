// The context has ended before the parent waits: it leaves before the child sends.
#include <memory>

#include "stranded/stranded.h"
#include "tests/corpus/kernel.h"

namespace stranded::corpus {
namespace {

namespace leaky {

void Call(const Context& ctx) {
  Chan<int> result;                       // fix: raise_buffer 1
  Go(ctx, [result] { result.Send(1); });  // blocks: chan_send
  Select(OnRecv(result), OnDone(ctx));
}

void Run() {
  auto [ctx, cancel] = WithCancel(Background());
  cancel();
  for (int i = 0; i < 100; ++i) Call(ctx);
}

}  // namespace leaky

namespace fixed {

void Call(const Context& ctx) {
  Chan<int> result(1);
  Go(ctx, [result] { result.Send(1); });
  Select(OnRecv(result), OnDone(ctx));
}

void Run() {
  auto [ctx, cancel] = WithCancel(Background());
  cancel();
  for (int i = 0; i < 100; ++i) Call(ctx);
}

}  // namespace fixed

const Registered kRegistered("Timeout", &leaky::Run, &fixed::Run);

}  // namespace
}  // namespace stranded::corpus
