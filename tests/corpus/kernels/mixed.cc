// The parent waits for the child before it receives, the child sends before it is done.
#include <memory>

#include "stranded/stranded.h"
#include "tests/corpus/kernel.h"

namespace stranded::corpus {
namespace {

namespace leaky {

void Run() {
  Go([] {
    struct Shared {
      WaitGroup child;
      Chan<int> result{0};
    };
    auto s = std::make_shared<Shared>();
    s->child.Add(1);
    Go([s] {
      s->result.Send(1);  // blocks: chan_send
      s->child.Done();
    });
    s->child.Wait();  // blocks: wg_wait
    s->result.Recv();
  });
}

}  // namespace leaky

namespace fixed {

void Run() {
  Go([] {
    struct Shared {
      WaitGroup child;
      Chan<int> result{1};
    };
    auto s = std::make_shared<Shared>();
    s->child.Add(1);
    Go([s] {
      s->result.Send(1);
      s->child.Done();
    });
    s->child.Wait();
    s->result.Recv();
  });
}

}  // namespace fixed

const Registered kRegistered("Mixed", &leaky::Run, &fixed::Run);

}  // namespace
}  // namespace stranded::corpus
