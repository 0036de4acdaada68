// Main sits in an empty select on purpose, as servers do whose tasks do the work; the child is
// stuck. Main itself is not to be reported: it stands in a task of its own that is marked as one
// that may stay.
#include <memory>

#include "stranded/stranded.h"
#include "tests/corpus/kernel.h"

namespace stranded::corpus {
namespace {

namespace leaky {

void Run() {
  Go([c = Chan<int>()] { c.Recv(); });  // blocks: chan_recv
  Go({.name = "main", .daemon = true}, Background(), [] { Select(); });
}

}  // namespace leaky

const Registered kRegistered("SelectNoCasesMain", &leaky::Run, nullptr);

}  // namespace
}  // namespace stranded::corpus
