// CockroachDB 1055: Quiesce and Stop wait for started tasks, which wait for the stop channel that
// is closed only after that wait.
#include <atomic>
#include <memory>
#include <vector>

#include "stranded/stranded.h"
#include "tests/corpus/kernel.h"

namespace stranded::corpus {
namespace {

constexpr int kStoppers = 3;

namespace leaky {

class Stopper {
 public:
  void AddWorker() { stop_.Add(1); }
  const Chan<Unit>& ShouldStop() const { return stopper_; }
  void SetStopped() { stop_.Done(); }

  bool StartTask() {
    if (draining_) return false;
    MutexLock lock(mu_);  // blocks: mutex_lock
    drain_.Add(1);        // fix: add_done_wg
    return true;
  }

  void Quiesce() {
    MutexLock lock(mu_);
    draining_ = true;
    drain_.Wait();  // blocks: wg_wait
    draining_ = false;
  }

  void Stop() {
    MutexLock lock(mu_);
    draining_ = true;
    drain_.Wait();  // blocks: wg_wait
    stopper_.Close();
    stop_.Wait();  // blocks: wg_wait
  }

 private:
  Chan<Unit> stopper_;
  WaitGroup stop_;  // workers
  Mutex mu_;
  std::atomic<bool> draining_{false};
  WaitGroup drain_;  // tasks
};

void Run() {
  std::vector<std::shared_ptr<Stopper>> stoppers;
  for (int i = 0; i < kStoppers; ++i) stoppers.push_back(std::make_shared<Stopper>());
  for (const std::shared_ptr<Stopper>& stopper : stoppers) {
    stopper->AddWorker();
    Go([stopper] {
      stopper->StartTask();
      stopper->ShouldStop().Recv();  // blocks: chan_recv
      stopper->SetStopped();
    });
  }
  Chan<Unit> done;
  Go([stoppers, done] {
    for (const std::shared_ptr<Stopper>& stopper : stoppers) stopper->Quiesce();
    for (const std::shared_ptr<Stopper>& stopper : stoppers) stopper->Stop();
    done.Close();
  });
  done.Recv();  // blocks: chan_recv
}

}  // namespace leaky

namespace fixed {

class Stopper {
 public:
  void AddWorker() { stop_.Add(1); }
  const Chan<Unit>& ShouldStop() const { return stopper_; }
  void SetStopped() { stop_.Done(); }

  bool StartTask() {
    MutexLock lock(mu_);
    if (draining_) return false;
    ++tasks_;
    return true;
  }

  void FinishTask() {
    MutexLock lock(mu_);
    --tasks_;
    drained_.Broadcast();
  }

  void Quiesce() {
    MutexLock lock(mu_);
    draining_ = true;
    while (tasks_ > 0) drained_.Wait();  // without the mutex
  }

  void Stop() {
    Quiesce();
    stopper_.Close();
    stop_.Wait();
  }

 private:
  Chan<Unit> stopper_;
  WaitGroup stop_;
  Mutex mu_;
  Cond drained_{mu_};
  bool draining_ = false;
  int tasks_ = 0;
};

void Run() {
  std::vector<std::shared_ptr<Stopper>> stoppers;
  for (int i = 0; i < kStoppers; ++i) stoppers.push_back(std::make_shared<Stopper>());
  for (const std::shared_ptr<Stopper>& stopper : stoppers) {
    stopper->AddWorker();
    Go([stopper] {
      if (stopper->StartTask()) stopper->FinishTask();
      stopper->ShouldStop().Recv();
      stopper->SetStopped();
    });
  }
  Chan<Unit> done;
  Go([stoppers, done] {
    for (const std::shared_ptr<Stopper>& stopper : stoppers) stopper->Quiesce();
    for (const std::shared_ptr<Stopper>& stopper : stoppers) stopper->Stop();
    done.Close();
  });
  done.Recv();
}

}  // namespace fixed

const Registered kRegistered("cockroach1055", &leaky::Run, &fixed::Run);

}  // namespace
}  // namespace stranded::corpus
