// A read lock under the own write lock.
#include <memory>

#include "stranded/stranded.h"
#include "tests/corpus/kernel.h"

namespace stranded::corpus {
namespace {

namespace leaky {

void Run() {
  Go([] {
    RWMutex lock;
    lock.Lock();
    lock.RLock();  // blocks: rwmutex_rlock
  });
}

}  // namespace leaky

namespace fixed {

void Run() {
  Go([] {
    RWMutex lock;
    lock.Lock();
    lock.Unlock();
    lock.RLock();
    lock.RUnlock();
  });
}

}  // namespace fixed

const Registered kRegistered("RWMutexRLock", &leaky::Run, &fixed::Run);

}  // namespace
}  // namespace stranded::corpus
