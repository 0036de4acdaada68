// Only the first of n answers is taken; with n = 0 the receiver waits for ever.
#include <memory>

#include "stranded/stranded.h"
#include "tests/corpus/kernel.h"

namespace stranded::corpus {
namespace {

namespace leaky {

void FirstOf(int sources) {
  Chan<int> results;  // fix: raise_buffer
  for (int i = 0; i < sources; ++i) {
    Go([results, i] { results.Send(i); });  // blocks: chan_send
  }
  results.Recv();  // blocks: chan_recv
}

void Run() {
  Go([] { FirstOf(5); });
  Go([] { FirstOf(0); });
}

}  // namespace leaky

namespace fixed {

void FirstOf(int sources) {
  if (sources == 0) return;
  Chan<int> results(static_cast<std::size_t>(sources));
  for (int i = 0; i < sources; ++i) {
    Go([results, i] { results.Send(i); });
  }
  results.Recv();
}

void Run() {
  Go([] { FirstOf(5); });
  Go([] { FirstOf(0); });
}

}  // namespace fixed

const Registered kRegistered("NCastLeak", &leaky::Run, &fixed::Run);

}  // namespace
}  // namespace stranded::corpus
