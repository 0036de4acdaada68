// etcd 5509: an error path keeps its read lock, and Close locks for writing a second time.
#include <memory>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/cleanup/cleanup.h"
#include "absl/status/status.h"
#include "stranded/stranded.h"
#include "tests/corpus/kernel.h"

namespace stranded::corpus {
namespace {
namespace leaky {

struct Client {
  explicit Client(CancelFunc cancel) : cancel_func(std::move(cancel)) {}

  void Close() {
    mu.Lock();
    if (closed) {
      mu.Unlock();
      return;
    }
    cancel_func();
    closed = true;
    mu.Unlock();
    mu.Lock();  // blocks: rwmutex_lock
    mu.Unlock();
  }

  RWMutex mu;
  CancelFunc cancel_func;
  bool closed = false;
};

class RemoteClient {
 public:
  explicit RemoteClient(std::shared_ptr<Client> client) : client_(std::move(client)) {}

  absl::Status Acquire() ABSL_NO_THREAD_SAFETY_ANALYSIS {
    for (;;) {
      client_->mu.RLock();  // fix: move_unlock
      const bool closed = client_->closed;
      mu_.Lock();
      mu_.Unlock();
      if (closed) return absl::UnavailableError("connection closed");
      client_->mu.RUnlock();
    }
  }

 private:
  std::shared_ptr<Client> client_;
  Mutex mu_;
};

class Kv {
 public:
  explicit Kv(std::shared_ptr<Client> client) : remote_(std::move(client)) {}
  absl::Status Get() { return Do(); }

 private:
  absl::Status Do() { return DoOnce(); }
  absl::Status DoOnce() { return GetRemote(); }
  absl::Status GetRemote() { return remote_.Acquire(); }

  RemoteClient remote_;
};

void Run() {
  auto [ctx, cancel] = WithCancel(Background());
  auto client = std::make_shared<Client>(cancel);
  auto kv = std::make_shared<Kv>(client);
  Chan<Unit> done;
  Go([kv, done] {
    absl::Cleanup close = [&done] { done.Close(); };
    kv->Get().IgnoreError();
  });
  client->Close();
  done.Recv();
}

}  // namespace leaky

namespace fixed {

struct Client {
  explicit Client(CancelFunc cancel) : cancel_func(std::move(cancel)) {}

  void Close() {
    mu.Lock();
    if (closed) {
      mu.Unlock();
      return;
    }
    cancel_func();
    closed = true;
    mu.Unlock();
    mu.Lock();
    mu.Unlock();
  }

  RWMutex mu;
  CancelFunc cancel_func;
  bool closed = false;
};

class RemoteClient {
 public:
  explicit RemoteClient(std::shared_ptr<Client> client) : client_(std::move(client)) {}

  absl::Status Acquire() {
    for (;;) {
      client_->mu.RLock();
      const bool closed = client_->closed;
      mu_.Lock();
      mu_.Unlock();
      client_->mu.RUnlock();
      if (closed) return absl::UnavailableError("connection closed");
    }
  }

 private:
  std::shared_ptr<Client> client_;
  Mutex mu_;
};

class Kv {
 public:
  explicit Kv(std::shared_ptr<Client> client) : remote_(std::move(client)) {}
  absl::Status Get() { return Do(); }

 private:
  absl::Status Do() { return DoOnce(); }
  absl::Status DoOnce() { return GetRemote(); }
  absl::Status GetRemote() { return remote_.Acquire(); }

  RemoteClient remote_;
};

void Run() {
  auto [ctx, cancel] = WithCancel(Background());
  auto client = std::make_shared<Client>(cancel);
  auto kv = std::make_shared<Kv>(client);
  Chan<Unit> done;
  Go([kv, done] {
    absl::Cleanup close = [&done] { done.Close(); };
    kv->Get().IgnoreError();
  });
  client->Close();
  done.Recv();
}

}  // namespace fixed

const Registered kRegistered("etcd5509", &leaky::Run, &fixed::Run);

}  // namespace
}  // namespace stranded::corpus
