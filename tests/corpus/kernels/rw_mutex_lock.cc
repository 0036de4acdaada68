// A write lock under the own write lock.
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
    lock.Lock();  // blocks: rwmutex_lock
  });
}

}  // namespace leaky

namespace fixed {

void Run() {
  Go([] {
    RWMutex lock;
    lock.Lock();
    lock.Unlock();
    lock.Lock();
    lock.Unlock();
  });
}

}  // namespace fixed

const Registered kRegistered("RWMutexLock", &leaky::Run, &fixed::Run);

}  // namespace
}  // namespace stranded::corpus
