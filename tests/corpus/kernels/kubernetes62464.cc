// kubernetes 62464: a reader read-locks again while a writer waits.
#include <memory>
#include <utility>

#include "stranded/stranded.h"
#include "tests/corpus/kernel.h"

namespace stranded::corpus {
namespace {

namespace leaky {

class State {
 public:
  virtual ~State() = default;
  virtual bool GetCpuSetOrDefault() = 0;
  virtual bool GetCpuSet() = 0;
  virtual bool GetDefaultCpuSet() = 0;
  virtual void SetDefaultCpuSet() = 0;
};

class StateMemory final : public State {
 public:
  bool GetCpuSetOrDefault() override {
    ReaderLock lock(mu_);  // fix: other:drop_relock
    if (GetCpuSet()) return true;
    return GetDefaultCpuSet();
  }
  bool GetCpuSet() override {
    ReaderLock lock(mu_);  // blocks: rwmutex_rlock
    return this_task::Choose(10) > 5;
  }
  bool GetDefaultCpuSet() override {
    ReaderLock lock(mu_);  // blocks: rwmutex_rlock
    return default_set_;
  }
  void SetDefaultCpuSet() override {
    WriterLock lock(mu_);  // blocks: rwmutex_lock
    default_set_ = true;
  }

 private:
  RWMutex mu_;
  bool default_set_ = false;
};

class StaticPolicy {
 public:
  void RemoveContainer(State& state) {
    state.GetDefaultCpuSet();
    state.SetDefaultCpuSet();
  }
};

class Manager {
 public:
  explicit Manager(std::shared_ptr<State> state) : state_(std::move(state)) {}
  void ReconcileState() { state_->GetCpuSetOrDefault(); }
  const std::shared_ptr<State>& state() const { return state_; }

 private:
  std::shared_ptr<State> state_;
};

void Run() {
  auto policy = std::make_shared<StaticPolicy>();
  auto manager = std::make_shared<Manager>(std::make_shared<StateMemory>());
  Go([manager] { manager->ReconcileState(); });
  Go([policy, state = manager->state()] { policy->RemoveContainer(*state); });
}

}  // namespace leaky

namespace fixed {

class State {
 public:
  virtual ~State() = default;
  virtual bool GetCpuSetOrDefault() = 0;
  virtual bool GetCpuSet() = 0;
  virtual bool GetDefaultCpuSet() = 0;
  virtual void SetDefaultCpuSet() = 0;
};

class StateMemory final : public State {
 public:
  bool GetCpuSetOrDefault() override {
    if (GetCpuSet()) return true;
    return GetDefaultCpuSet();
  }
  bool GetCpuSet() override {
    ReaderLock lock(mu_);
    return this_task::Choose(10) > 5;
  }
  bool GetDefaultCpuSet() override {
    ReaderLock lock(mu_);
    return default_set_;
  }
  void SetDefaultCpuSet() override {
    WriterLock lock(mu_);
    default_set_ = true;
  }

 private:
  RWMutex mu_;
  bool default_set_ = false;
};

class StaticPolicy {
 public:
  void RemoveContainer(State& state) {
    state.GetDefaultCpuSet();
    state.SetDefaultCpuSet();
  }
};

class Manager {
 public:
  explicit Manager(std::shared_ptr<State> state) : state_(std::move(state)) {}
  void ReconcileState() { state_->GetCpuSetOrDefault(); }
  const std::shared_ptr<State>& state() const { return state_; }

 private:
  std::shared_ptr<State> state_;
};

void Run() {
  auto policy = std::make_shared<StaticPolicy>();
  auto manager = std::make_shared<Manager>(std::make_shared<StateMemory>());
  Go([manager] { manager->ReconcileState(); });
  Go([policy, state = manager->state()] { policy->RemoveContainer(*state); });
}

}  // namespace fixed

const Registered kRegistered("kubernetes62464", &leaky::Run, &fixed::Run);

}  // namespace
}  // namespace stranded::corpus
