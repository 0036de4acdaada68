// grpc-go 862: a dial that fails leaves its connection to reconnect for ever.
#include <memory>
#include <utility>
#include <vector>

#include "stranded/stranded.h"
#include "tests/corpus/kernel.h"

namespace stranded::corpus {
namespace {

namespace leaky {

class AddrConn {
 public:
  explicit AddrConn(const Context& parent) {
    auto [ctx, cancel] = WithCancel(parent);
    ctx_ = ctx;
    cancel_ = cancel;
  }

  void ResetTransport() {
    for (int retries = 1;; ++retries) {
      const absl::Duration sleep_time = absl::Seconds(2) * retries;
      const absl::Time connect_time = Now();
      auto [connect_ctx, cancel_connect] = WithTimeout(ctx_, absl::Seconds(10));
      cancel_connect();  // the transport could not be made
      const absl::Duration left = sleep_time - (Now() - connect_time);
      if (Select(OnRecv(After(left)), OnDone(ctx_)) == 1) return;  // blocks: select
    }
  }

  void TearDown() { cancel_(); }

 private:
  Context ctx_;
  CancelFunc cancel_;
};

class ClientConn {
 public:
  ClientConn() {
    auto [ctx, cancel] = WithCancel(Background());  // fix: call_cancel
    ctx_ = ctx;
    cancel_ = cancel;
  }

  void ResetAddrConn() {
    auto conn = std::make_shared<AddrConn>(ctx_);
    mu_.Lock();
    conns_.push_back(conn);
    mu_.Unlock();
    conn->ResetTransport();
  }

  void Close() {
    cancel_();
    mu_.Lock();
    const auto conns = std::exchange(conns_, {});
    mu_.Unlock();
    for (const auto& conn : conns) conn->TearDown();
  }

 private:
  Context ctx_;
  CancelFunc cancel_;
  Mutex mu_;
  std::vector<std::shared_ptr<AddrConn>> conns_;
};

// Null if the dial failed.
std::shared_ptr<ClientConn> DialContext(const Context& ctx) {
  auto conn = std::make_shared<ClientConn>();
  Go([conn] { conn->ResetAddrConn(); });
  bool failed = false;
  Select(OnDone(ctx, [&] { failed = true; }), Default());
  if (failed) return nullptr;
  return conn;
}

void Run() {
  auto [ctx, cancel] = WithCancel(Background());
  cancel();
  const auto conn = DialContext(ctx);
  if (conn != nullptr) conn->Close();
}

}  // namespace leaky

namespace fixed {

class AddrConn {
 public:
  explicit AddrConn(const Context& parent) {
    auto [ctx, cancel] = WithCancel(parent);
    ctx_ = ctx;
    cancel_ = cancel;
  }

  void ResetTransport() {
    for (int retries = 1;; ++retries) {
      const absl::Duration sleep_time = absl::Seconds(2) * retries;
      const absl::Time connect_time = Now();
      auto [connect_ctx, cancel_connect] = WithTimeout(ctx_, absl::Seconds(10));
      cancel_connect();  // the transport could not be made
      const absl::Duration left = sleep_time - (Now() - connect_time);
      if (Select(OnRecv(After(left)), OnDone(ctx_)) == 1) return;
    }
  }

  void TearDown() { cancel_(); }

 private:
  Context ctx_;
  CancelFunc cancel_;
};

class ClientConn {
 public:
  ClientConn() {
    auto [ctx, cancel] = WithCancel(Background());
    ctx_ = ctx;
    cancel_ = cancel;
  }

  void ResetAddrConn() {
    auto conn = std::make_shared<AddrConn>(ctx_);
    mu_.Lock();
    conns_.push_back(conn);
    mu_.Unlock();
    conn->ResetTransport();
  }

  void Close() {
    cancel_();
    mu_.Lock();
    const auto conns = std::exchange(conns_, {});
    mu_.Unlock();
    for (const auto& conn : conns) conn->TearDown();
  }

 private:
  Context ctx_;
  CancelFunc cancel_;
  Mutex mu_;
  std::vector<std::shared_ptr<AddrConn>> conns_;
};

// Null if the dial failed.
std::shared_ptr<ClientConn> DialContext(const Context& ctx) {
  auto conn = std::make_shared<ClientConn>();
  Go([conn] { conn->ResetAddrConn(); });
  bool failed = false;
  Select(OnDone(ctx, [&] { failed = true; }), Default());
  if (failed) {
    conn->Close();
    return nullptr;
  }
  return conn;
}

void Run() {
  auto [ctx, cancel] = WithCancel(Background());
  cancel();
  const auto conn = DialContext(ctx);
  if (conn != nullptr) conn->Close();
}

}  // namespace fixed

const Registered kRegistered("grpc862", &leaky::Run, &fixed::Run);

}  // namespace
}  // namespace stranded::corpus
