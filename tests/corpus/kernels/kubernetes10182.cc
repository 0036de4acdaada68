// kubernetes 10182: a setter sends under the lock that the only reader needs.
#include <memory>

#include "stranded/stranded.h"
#include "tests/corpus/kernel.h"

namespace stranded::corpus {
namespace {

namespace leaky {

class StatusManager : public std::enable_shared_from_this<StatusManager> {
 public:
  void Start() {
    Go([self = shared_from_this()] {
      for (int i = 0; i < 2; ++i) self->SyncBatch();
    });
  }

  void SetPodStatus() {
    WriterLock lock(mu_);
    statuses_.Send(true);  // blocks: chan_send
  }

 private:
  void SyncBatch() {
    statuses_.Recv();
    DeletePodStatus();  // fix: other:async_call
  }

  void DeletePodStatus() {
    WriterLock lock(mu_);  // blocks: rwmutex_lock
    ++deleted_;
  }

  RWMutex mu_;
  Chan<bool> statuses_;
  int deleted_ = 0;
};

void Run() {
  auto manager = std::make_shared<StatusManager>();
  Go([manager] { manager->Start(); });
  Go([manager] { manager->SetPodStatus(); });
  Go([manager] { manager->SetPodStatus(); });
}

}  // namespace leaky

namespace fixed {

class StatusManager : public std::enable_shared_from_this<StatusManager> {
 public:
  void Start() {
    Go([self = shared_from_this()] {
      for (int i = 0; i < 2; ++i) self->SyncBatch();
    });
  }

  void SetPodStatus() {
    WriterLock lock(mu_);
    statuses_.Send(true);
  }

 private:
  void SyncBatch() {
    statuses_.Recv();
    Go([self = shared_from_this()] { self->DeletePodStatus(); });
  }

  void DeletePodStatus() {
    WriterLock lock(mu_);
    ++deleted_;
  }

  RWMutex mu_;
  Chan<bool> statuses_;
  int deleted_ = 0;
};

void Run() {
  auto manager = std::make_shared<StatusManager>();
  Go([manager] { manager->Start(); });
  Go([manager] { manager->SetPodStatus(); });
  Go([manager] { manager->SetPodStatus(); });
}

}  // namespace fixed

const Registered kRegistered("kubernetes10182", &leaky::Run, &fixed::Run);

}  // namespace
}  // namespace stranded::corpus
