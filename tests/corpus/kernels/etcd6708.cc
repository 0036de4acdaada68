// etcd 6708: Sync looks up the leader through the client whose write lock it holds.
#include "stranded/stranded.h"
#include "tests/corpus/kernel.h"

namespace stranded::corpus {
namespace {

enum class SelectionMode { kRandom, kPrioritizeLeader };

class HttpClient {
 public:
  virtual ~HttpClient() = default;
  virtual void Do(const Context& ctx) = 0;
};

class MembersApi {
 public:
  explicit MembersApi(HttpClient& client) : client_(client) {}
  void Leader(const Context& ctx) { client_.Do(ctx); }

 private:
  HttpClient& client_;
};

namespace leaky {

class ClusterClient final : public HttpClient {
 public:
  explicit ClusterClient(SelectionMode mode) : mode_(mode) {}

  void Do(const Context&) override {
    mu_.RLock();  // blocks: rwmutex_rlock
    mu_.RUnlock();
  }

  void Sync() {
    WriterLock lock(mu_);  // fix: move_unlock
    SetEndpoints();
  }

 private:
  void SetEndpoints() {
    if (mode_ == SelectionMode::kPrioritizeLeader) GetLeaderEndpoint();
    ++pinned_;
  }
  void GetLeaderEndpoint() { MembersApi(*this).Leader(Background()); }

  RWMutex mu_;
  SelectionMode mode_;
  int pinned_ = 0;
};

void Run() { ClusterClient(SelectionMode::kPrioritizeLeader).Sync(); }

}  // namespace leaky

namespace fixed {

class ClusterClient final : public HttpClient {
 public:
  explicit ClusterClient(SelectionMode mode) : mode_(mode) {}

  void Do(const Context&) override {
    mu_.RLock();
    mu_.RUnlock();
  }

  void Sync() {
    if (mode_ == SelectionMode::kPrioritizeLeader) GetLeaderEndpoint();
    WriterLock lock(mu_);
    ++pinned_;
  }

 private:
  void GetLeaderEndpoint() { MembersApi(*this).Leader(Background()); }

  RWMutex mu_;
  SelectionMode mode_;
  int pinned_ = 0;
};

void Run() { ClusterClient(SelectionMode::kPrioritizeLeader).Sync(); }

}  // namespace fixed

const Registered kRegistered("etcd6708", &leaky::Run, &fixed::Run);

}  // namespace
}  // namespace stranded::corpus
