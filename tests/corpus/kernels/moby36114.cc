// Moby 36114: a method that holds the VM's mutex calls another one that locks it.
#include <memory>

#include "stranded/stranded.h"
#include "tests/corpus/kernel.h"

namespace stranded::corpus {
namespace {

namespace leaky {

class ServiceVm {
 public:
  void HotAddVhdsAtStart() {
    MutexLock lock(mu_);
    HotRemoveVhdsAtStart();  // fix: other:drop_relock
  }

  void HotRemoveVhdsAtStart() {
    MutexLock lock(mu_);  // blocks: mutex_lock
  }

 private:
  Mutex mu_;
};

void Run() {
  auto vm = std::make_shared<ServiceVm>();
  Go([vm] { vm->HotAddVhdsAtStart(); });
}

}  // namespace leaky

namespace fixed {

class ServiceVm {
 public:
  void HotAddVhdsAtStart() {
    MutexLock lock(mu_);
    HotRemoveVhdsLocked();
  }

  void HotRemoveVhdsAtStart() {
    MutexLock lock(mu_);
    HotRemoveVhdsLocked();
  }

 private:
  void HotRemoveVhdsLocked() {}

  Mutex mu_;
};

void Run() {
  auto vm = std::make_shared<ServiceVm>();
  Go([vm] { vm->HotAddVhdsAtStart(); });
}

}  // namespace fixed

const Registered kRegistered("moby36114", &leaky::Run, &fixed::Run);

}  // namespace
}  // namespace stranded::corpus
