// A thousand tasks lock a mutex on their own stack twice.
#include <memory>

#include "stranded/stranded.h"
#include "tests/corpus/kernel.h"

namespace stranded::corpus {
namespace {

namespace leaky {

void Run() {
  for (int i = 0; i < 1000; ++i) {
    Go([] {
      Mutex lock;
      lock.Lock();
      lock.Lock();  // blocks: mutex_lock
    });
  }
}

}  // namespace leaky

namespace fixed {

void Run() {
  for (int i = 0; i < 1000; ++i) {
    Go([] {
      Mutex lock;
      lock.Lock();
      lock.Unlock();
      lock.Lock();
      lock.Unlock();
    });
  }
}

}  // namespace fixed

const Registered kRegistered("MutexStack", &leaky::Run, &fixed::Run);

}  // namespace
}  // namespace stranded::corpus
