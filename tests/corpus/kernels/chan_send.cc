// A send on a channel that nobody else has.
#include <memory>

#include "stranded/stranded.h"
#include "tests/corpus/kernel.h"

namespace stranded::corpus {
namespace {

namespace leaky {

void Run() {
  Go([c = Chan<int>()] { c.Send(1); });  // blocks: chan_send
}

}  // namespace leaky

namespace fixed {

void Run() {
  Go([c = Chan<int>(1)] { c.Send(1); });
}

}  // namespace fixed

const Registered kRegistered("ChanSend", &leaky::Run, &fixed::Run);

}  // namespace
}  // namespace stranded::corpus
