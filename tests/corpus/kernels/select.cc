// A select with a send and a receive on channels that nobody else has.
#include <memory>

#include "stranded/stranded.h"
#include "tests/corpus/kernel.h"

namespace stranded::corpus {
namespace {

namespace leaky {

void Run() {
  Go([a = Chan<int>(), b = Chan<int>()] { Select(OnSend(a, 1), OnRecv(b)); });  // blocks: select
}

}  // namespace leaky

namespace fixed {

void Run() {
  Go([a = Chan<int>(1), b = Chan<int>()] { Select(OnSend(a, 1), OnRecv(b)); });
}

}  // namespace fixed

const Registered kRegistered("Select", &leaky::Run, &fixed::Run);

}  // namespace
}  // namespace stranded::corpus
