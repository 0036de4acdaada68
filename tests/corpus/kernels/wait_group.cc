// Add(1) and nobody to call Done.
#include <memory>

#include "stranded/stranded.h"
#include "tests/corpus/kernel.h"

namespace stranded::corpus {
namespace {

namespace leaky {

void Run() {
  Go([] {
    WaitGroup group;
    group.Add(1);
    group.Wait();  // blocks: wg_wait
  });
}

}  // namespace leaky

namespace fixed {

void Run() {
  Go([] {
    WaitGroup group;
    group.Add(1);
    group.Done();
    group.Wait();
  });
}

}  // namespace fixed

const Registered kRegistered("WaitGroup", &leaky::Run, &fixed::Run);

}  // namespace
}  // namespace stranded::corpus
