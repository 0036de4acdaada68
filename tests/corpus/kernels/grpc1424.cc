// grpc-go 1424: the watcher ends without closing the channel its starter waits on.
#include <memory>

#include "absl/cleanup/cleanup.h"
#include "absl/status/status.h"
#include "stranded/stranded.h"
#include "tests/corpus/kernel.h"

namespace stranded::corpus {
namespace {

namespace leaky {

class RoundRobin {
 public:
  Receiver<bool> Notify() {
    MutexLock lock(mu_);
    return addresses_;
  }
  void Close() {
    MutexLock lock(mu_);
    addresses_.Close();
  }

 private:
  Mutex mu_;
  Chan<bool> addresses_;
};

class ClientConn {
 public:
  void LbWatcher(const Chan<bool>& done) {
    bool first = true;
    for (const bool added : balancer_.Notify()) {
      if (!added || !first) continue;
      first = false;
      done.Close();
    }
  }

  RoundRobin& balancer() { return balancer_; }

 private:
  RoundRobin balancer_;
};

void DialContext() {
  auto conn = std::make_shared<ClientConn>();
  Chan<absl::Status> waiting(1);
  Go([conn, waiting] {
    absl::Cleanup close = [&waiting] { waiting.Close(); };
    if (conn->balancer().Notify().IsNil()) return;
    Chan<bool> done;  // fix: close_channel
    Go([conn, done] { conn->LbWatcher(done); });
    done.Recv();  // blocks: chan_recv
  });
  conn->balancer().Close();
}

void Run() { DialContext(); }

}  // namespace leaky

namespace fixed {

class RoundRobin {
 public:
  Receiver<bool> Notify() {
    MutexLock lock(mu_);
    return addresses_;
  }
  void Close() {
    MutexLock lock(mu_);
    addresses_.Close();
  }

 private:
  Mutex mu_;
  Chan<bool> addresses_;
};

class ClientConn {
 public:
  void LbWatcher(const Chan<bool>& done) {
    bool told = false;
    absl::Cleanup close = [&] {
      if (!told) done.Close();
    };
    for (const bool added : balancer_.Notify()) {
      if (!added || told) continue;
      told = true;
      done.Close();
    }
  }

  RoundRobin& balancer() { return balancer_; }

 private:
  RoundRobin balancer_;
};

void DialContext() {
  auto conn = std::make_shared<ClientConn>();
  Chan<absl::Status> waiting(1);
  Go([conn, waiting] {
    absl::Cleanup close = [&waiting] { waiting.Close(); };
    if (conn->balancer().Notify().IsNil()) return;
    Chan<bool> done;
    Go([conn, done] { conn->LbWatcher(done); });
    done.Recv();
  });
  conn->balancer().Close();
}

void Run() { DialContext(); }

}  // namespace fixed

const Registered kRegistered("grpc1424", &leaky::Run, &fixed::Run);

}  // namespace
}  // namespace stranded::corpus
