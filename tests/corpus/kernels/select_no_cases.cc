// A select without cases.
#include <memory>

#include "stranded/stranded.h"
#include "tests/corpus/kernel.h"

namespace stranded::corpus {
namespace {

namespace leaky {

void Run() {
  Go([] { Select(); });  // blocks: select_empty
}

}  // namespace leaky

const Registered kRegistered("SelectNoCases", &leaky::Run, nullptr);

}  // namespace
}  // namespace stranded::corpus
