// A work channel that is never closed: workers wait for more, and without workers the producer
// waits.
#include <memory>

#include "stranded/stranded.h"
#include "tests/corpus/kernel.h"

namespace stranded::corpus {
namespace {

namespace leaky {

void Produce(int items, int workers) {
  Chan<int> work;  // fix: close_channel
  for (int i = 0; i < workers; ++i) {
    Go([work] {
      for (const int item : work) static_cast<void>(item);  // blocks: chan_recv
    });
  }
  Go([work, items] {
    for (int i = 0; i < items; ++i) work.Send(i);  // blocks: chan_send
  });
}

void Run() {
  Produce(3, 0);
  Produce(3, 3);
}

}  // namespace leaky

namespace fixed {

void Produce(int items, int workers) {
  Chan<int> work(static_cast<std::size_t>(workers > 0 ? 0 : items));
  for (int i = 0; i < workers; ++i) {
    Go([work] {
      for (const int item : work) static_cast<void>(item);
    });
  }
  Go([work, items] {
    for (int i = 0; i < items; ++i) work.Send(i);
    work.Close();
  });
}

void Run() {
  Produce(3, 0);
  Produce(3, 3);
}

}  // namespace fixed

const Registered kRegistered("NoCloseRange", &leaky::Run, &fixed::Run);

}  // namespace
}  // namespace stranded::corpus
