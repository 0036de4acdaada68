// The parent returns on an error before it takes the child's result.
#include <memory>

#include "stranded/stranded.h"
#include "tests/corpus/kernel.h"

namespace stranded::corpus {
namespace {

namespace leaky {

void Handle(bool bad_request) {
  Chan<int> result;                   // fix: raise_buffer 1
  Go([result] { result.Send(42); });  // blocks: chan_send
  if (bad_request) return;
  result.Recv();
}

void Run() { Handle(true); }

}  // namespace leaky

namespace fixed {

void Handle(bool bad_request) {
  Chan<int> result(1);
  Go([result] { result.Send(42); });
  if (bad_request) return;
  result.Recv();
}

void Run() { Handle(true); }

}  // namespace fixed

const Registered kRegistered("EarlyReturn", &leaky::Run, &fixed::Run);

}  // namespace
}  // namespace stranded::corpus
