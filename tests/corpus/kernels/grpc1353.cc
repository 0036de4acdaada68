// grpc-go 1353: an update is sent under the mutex that its only reader needs to tear down.
#include <memory>
#include <utility>
#include <vector>

#include "absl/cleanup/cleanup.h"
#include "stranded/stranded.h"
#include "tests/corpus/kernel.h"

namespace stranded::corpus {
namespace {

constexpr int kUpdates = 100;

namespace leaky {

class RoundRobin {
 public:
  RoundRobin() : addresses_(Chan<bool>()) {}  // fix: raise_buffer

  void Start() {
    for (int i = 0; i < kUpdates; ++i) WatchAddrUpdates();
  }
  Receiver<bool> Notify() const { return addresses_; }
  void Down() {
    MutexLock lock(mu_);  // blocks: mutex_lock
    ++down_;
  }
  void Close() {
    MutexLock lock(mu_);
    addresses_.Close();
  }

 private:
  void WatchAddrUpdates() {
    MutexLock lock(mu_);
    addresses_.Send(true);  // blocks: chan_send
  }

  Mutex mu_;
  int down_ = 0;
  Chan<bool> addresses_;
};

class AddrConn {
 public:
  explicit AddrConn(std::shared_ptr<RoundRobin> balancer) : balancer_(std::move(balancer)) {}
  void TearDown() {
    MutexLock lock(mu_);
    balancer_->Down();
  }

 private:
  std::shared_ptr<RoundRobin> balancer_;
  Mutex mu_;
};

class ClientConn {
 public:
  ClientConn() { conns_.push_back(std::make_shared<AddrConn>(balancer_)); }

  void LbWatcher() {
    for (const bool added : balancer_->Notify()) {
      if (!added) continue;
      const std::vector<std::shared_ptr<AddrConn>> gone = conns_;
      for (const auto& conn : gone) conn->TearDown();
    }
  }

  RoundRobin& balancer() { return *balancer_; }

 private:
  std::shared_ptr<RoundRobin> balancer_ = std::make_shared<RoundRobin>();
  std::vector<std::shared_ptr<AddrConn>> conns_;
};

void Run() {
  auto conn = std::make_shared<ClientConn>();
  Chan<Unit> resolved;
  Go([conn, resolved] {
    absl::Cleanup close = [&resolved] { resolved.Close(); };
    conn->balancer().Start();
  });
  Go([conn] { conn->LbWatcher(); });
  Go([conn, resolved] {
    resolved.Recv();  // blocks: chan_recv
    conn->balancer().Close();
  });
}

}  // namespace leaky

namespace fixed {

class RoundRobin {
 public:
  RoundRobin() : addresses_(Chan<bool>(1)) {}

  void Start() {
    for (int i = 0; i < kUpdates; ++i) WatchAddrUpdates();
  }
  Receiver<bool> Notify() const { return addresses_; }
  void Down() {
    MutexLock lock(mu_);
    ++down_;
  }
  void Close() {
    MutexLock lock(mu_);
    addresses_.Close();
  }

 private:
  void WatchAddrUpdates() {
    MutexLock lock(mu_);
    addresses_.TryRecv();  // what nobody has read yet is out of date
    addresses_.Send(true);
  }

  Mutex mu_;
  int down_ = 0;
  Chan<bool> addresses_;
};

class AddrConn {
 public:
  explicit AddrConn(std::shared_ptr<RoundRobin> balancer) : balancer_(std::move(balancer)) {}
  void TearDown() {
    MutexLock lock(mu_);
    balancer_->Down();
  }

 private:
  std::shared_ptr<RoundRobin> balancer_;
  Mutex mu_;
};

class ClientConn {
 public:
  ClientConn() { conns_.push_back(std::make_shared<AddrConn>(balancer_)); }

  void LbWatcher() {
    for (const bool added : balancer_->Notify()) {
      if (!added) continue;
      const std::vector<std::shared_ptr<AddrConn>> gone = conns_;
      for (const auto& conn : gone) conn->TearDown();
    }
  }

  RoundRobin& balancer() { return *balancer_; }

 private:
  std::shared_ptr<RoundRobin> balancer_ = std::make_shared<RoundRobin>();
  std::vector<std::shared_ptr<AddrConn>> conns_;
};

void Run() {
  auto conn = std::make_shared<ClientConn>();
  Chan<Unit> resolved;
  Go([conn, resolved] {
    absl::Cleanup close = [&resolved] { resolved.Close(); };
    conn->balancer().Start();
  });
  Go([conn] { conn->LbWatcher(); });
  Go([conn, resolved] {
    resolved.Recv();
    conn->balancer().Close();
  });
}

}  // namespace fixed

const Registered kRegistered("grpc1353", &leaky::Run, &fixed::Run);

}  // namespace
}  // namespace stranded::corpus
