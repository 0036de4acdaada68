// A thousand tasks each wait for the next one's channel; the last one sleeps for an hour and will
// send. None is a leak, and this body must stay silent. The hour is virtual; the program waits for
// it.
#include <memory>

#include "stranded/stranded.h"
#include "tests/corpus/kernel.h"

namespace stranded::corpus {
namespace {

namespace leaky {

void Run() {
  Chan<int> first(1);
  Chan<int> left = first;
  for (int i = 0; i < 1000; ++i) {
    Chan<int> right;
    Go([left, right] { left.Send(*right.Recv()); });
    left = right;
  }
  Go([left] {
    this_task::SleepFor(absl::Hours(1));
    left.Send(1);
  });
  first.Recv();
}

}  // namespace leaky

const Registered kRegistered("DaisyChain", &leaky::Run, nullptr);

}  // namespace
}  // namespace stranded::corpus
