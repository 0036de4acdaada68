// kubernetes 26980: the listener delivers while it holds its lock.
#include <cstddef>
#include <memory>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/cleanup/cleanup.h"
#include "stranded/stranded.h"
#include "tests/corpus/kernel.h"

namespace stranded::corpus {
namespace {

namespace leaky {

class ProcessorListener {
 public:
  void Add(int notification) {
    WriterLock lock(mu_);
    pending_.push_back(notification);
    cond_.Broadcast();
  }

  void Pop(const Receiver<Unit>& stop) {
    WriterLock lock(mu_);  // fix: move_unlock
    while (pending_.empty()) {
      if (Select(OnRecv(stop), Default()) == 0) return;
      cond_.Wait();
    }
    stop.Recv();  // blocks: chan_recv
  }

  RWMutex& mu() { return mu_; }

 private:
  RWMutex mu_;
  Cond cond_{mu_};
  std::vector<int> pending_;
};

void Run() ABSL_NO_THREAD_SAFETY_ANALYSIS {
  auto listener = std::make_shared<ProcessorListener>();
  Chan<Unit> stop;
  absl::Cleanup close = [stop] { stop.Close(); };
  listener->Add(1);
  Go([listener, stop] { listener->Pop(stop); });
  Chan<Unit> locked;
  Go([listener, locked]() ABSL_NO_THREAD_SAFETY_ANALYSIS {
    listener->mu().Lock();  // blocks: rwmutex_lock
    locked.Close();
  });
  locked.Recv();  // blocks: chan_recv
  listener->mu().Unlock();
}

}  // namespace leaky

namespace fixed {

class ProcessorListener {
 public:
  void Add(int notification) {
    WriterLock lock(mu_);
    pending_.push_back(notification);
    cond_.Broadcast();
  }

  void Pop(const Receiver<Unit>& stop) {
    if (Fetch(stop)) stop.Recv();
  }

  RWMutex& mu() { return mu_; }

 private:
  // False: stopped.
  bool Fetch(const Receiver<Unit>& stop) {
    WriterLock lock(mu_);
    while (pending_.empty()) {
      if (Select(OnRecv(stop), Default()) == 0) return false;
      cond_.Wait();
    }
    pending_.erase(pending_.begin());
    return true;
  }

  RWMutex mu_;
  Cond cond_{mu_};
  std::vector<int> pending_;
};

void Run() ABSL_NO_THREAD_SAFETY_ANALYSIS {
  auto listener = std::make_shared<ProcessorListener>();
  Chan<Unit> stop;
  absl::Cleanup close = [stop] { stop.Close(); };
  listener->Add(1);
  Go([listener, stop] { listener->Pop(stop); });
  Chan<Unit> locked;
  Go([listener, locked]() ABSL_NO_THREAD_SAFETY_ANALYSIS {
    listener->mu().Lock();
    locked.Close();
  });
  locked.Recv();
  listener->mu().Unlock();
}

}  // namespace fixed

const Registered kRegistered("kubernetes26980", &leaky::Run, &fixed::Run);

}  // namespace
}  // namespace stranded::corpus
