// A receive from a nil channel.
#include <memory>

#include "stranded/stranded.h"
#include "tests/corpus/kernel.h"

namespace stranded::corpus {
namespace {

namespace leaky {

void Run() {
  Go([] { Chan<int>::Nil().Recv(); });  // blocks: nil_chan_recv
}

}  // namespace leaky

const Registered kRegistered("NilRecv", &leaky::Run, nullptr);

}  // namespace
}  // namespace stranded::corpus
