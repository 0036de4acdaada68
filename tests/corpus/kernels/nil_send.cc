// A send on a nil channel.
#include <memory>

#include "stranded/stranded.h"
#include "tests/corpus/kernel.h"

namespace stranded::corpus {
namespace {

namespace leaky {

void Run() {
  Go([] { Chan<int>::Nil().Send(1); });  // blocks: nil_chan_send
}

}  // namespace leaky

const Registered kRegistered("NilSend", &leaky::Run, nullptr);

}  // namespace
}  // namespace stranded::corpus
