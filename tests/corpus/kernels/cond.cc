// A condition that nobody signals.
#include <memory>

#include "stranded/stranded.h"
#include "tests/corpus/kernel.h"

namespace stranded::corpus {
namespace {

namespace leaky {

void Run() {
  Go([] {
    Mutex lock;
    Cond changed(lock);
    lock.Lock();
    changed.Wait();  // blocks: cond_wait
    lock.Unlock();
  });
}

}  // namespace leaky

namespace fixed {

void Run() {
  struct Shared {
    Mutex lock;
    Cond changed{lock};
    bool ready = false;
  };
  auto s = std::make_shared<Shared>();
  Go([s] {
    s->lock.Lock();
    while (!s->ready) s->changed.Wait();
    s->lock.Unlock();
  });
  s->lock.Lock();
  s->ready = true;
  s->changed.Signal();
  s->lock.Unlock();
}

}  // namespace fixed

const Registered kRegistered("Cond", &leaky::Run, &fixed::Run);

}  // namespace
}  // namespace stranded::corpus
