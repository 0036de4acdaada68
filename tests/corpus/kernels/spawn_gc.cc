// A tree of depth three and width five: each inner node leaks one task on a fresh channel; profiles
// are taken by others meanwhile in the original.
#include <memory>

#include "stranded/stranded.h"
#include "tests/corpus/kernel.h"

namespace stranded::corpus {
namespace {

namespace leaky {

void Grow(int depth) {
  Go([c = Chan<int>()] { c.Recv(); });  // blocks: chan_recv
  if (depth == 0) return;
  for (int i = 0; i < 5; ++i) Go([depth] { Grow(depth - 1); });
}

void Run() {
  // 1 + 5 x (1 + 5 x (1 + 5) + 10): the number of the original.
  Grow(3);
  for (int i = 0; i < 50; ++i) Go([c = Chan<int>()] { c.Recv(); });  // blocks: chan_recv
}

}  // namespace leaky

const Registered kRegistered("SpawnGC", &leaky::Run, nullptr);

}  // namespace
}  // namespace stranded::corpus
