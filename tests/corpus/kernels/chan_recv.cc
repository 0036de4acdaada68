// A receive from a channel that nobody else has.
#include <memory>

#include "stranded/stranded.h"
#include "tests/corpus/kernel.h"

namespace stranded::corpus {
namespace {

namespace leaky {

void Run() {
  Go([c = Chan<int>()] { c.Recv(); });  // blocks: chan_recv
}

}  // namespace leaky

namespace fixed {

void Run() {
  Chan<int> c;
  Go([c] { c.Recv(); });
  c.Close();
}

}  // namespace fixed

const Registered kRegistered("ChanRecv", &leaky::Run, &fixed::Run);

}  // namespace
}  // namespace stranded::corpus
