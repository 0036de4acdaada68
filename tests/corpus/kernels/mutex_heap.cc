// The same on the heap, in tasks started by tasks that end.
#include <memory>

#include "stranded/stranded.h"
#include "tests/corpus/kernel.h"

namespace stranded::corpus {
namespace {

namespace leaky {

void LockTwice() {
  auto lock = std::make_shared<Mutex>();
  Go([lock] {
    lock->Lock();
    lock->Lock();  // blocks: mutex_lock
  });
}

void Run() {
  for (int i = 0; i < 1000; ++i) Go([] { LockTwice(); });
}

}  // namespace leaky

namespace fixed {

void LockTwice() {
  auto lock = std::make_shared<Mutex>();
  Go([lock] {
    lock->Lock();
    lock->Unlock();
    lock->Lock();
    lock->Unlock();
  });
}

void Run() {
  for (int i = 0; i < 1000; ++i) Go([] { LockTwice(); });
}

}  // namespace fixed

const Registered kRegistered("MutexHeap", &leaky::Run, &fixed::Run);

}  // namespace
}  // namespace stranded::corpus
