// After an error the sender falls through and sends a second time to a caller that receives once.
#include <memory>

#include "stranded/stranded.h"
#include "tests/corpus/kernel.h"

namespace stranded::corpus {
namespace {

namespace leaky {

void Answer(const Chan<int>& results, bool failed) {
  if (failed) {
    results.Send(-1);
  }
  results.Send(1);  // blocks: chan_send // fix: other:missing_return
}

void Call(std::size_t room, bool failed) {
  Chan<int> results(room);
  Go([results, failed] { Answer(results, failed); });
  results.Recv();
}

void Run() {
  Call(0, false);
  Call(0, true);
  Call(1, true);
}

}  // namespace leaky

namespace fixed {

void Answer(const Chan<int>& results, bool failed) {
  if (failed) {
    results.Send(-1);
    return;
  }
  results.Send(1);
}

void Call(std::size_t room, bool failed) {
  Chan<int> results(room);
  Go([results, failed] { Answer(results, failed); });
  results.Recv();
}

void Run() {
  Call(0, false);
  Call(0, true);
  Call(1, true);
}

}  // namespace fixed

const Registered kRegistered("DoubleSend", &leaky::Run, &fixed::Run);

}  // namespace
}  // namespace stranded::corpus
