// CockroachDB 3710: a scan of the raft logs holds the store's read lock while its callee takes it
// again; a writer that comes in between stops both.
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "stranded/stranded.h"
#include "tests/corpus/kernel.h"

namespace stranded::corpus {
namespace {

namespace leaky {

class Store;

struct Replica {
  Store* store;
};

class RaftLogQueue {
 public:
  void ShouldQueue(const Replica& replica) const { GetTruncatableIndexes(replica); }

 private:
  static void GetTruncatableIndexes(const Replica& replica);
};

class BaseQueue {
 public:
  explicit BaseQueue(RaftLogQueue impl) : impl_(impl) {}
  void MaybeAdd(const Replica& replica) {
    MutexLock lock(mu_);
    impl_.ShouldQueue(replica);
  }

 private:
  Mutex mu_;
  const RaftLogQueue impl_;
};

class Store {
 public:
  Store() : raft_log_queue_(RaftLogQueue()) {
    for (int id = 0; id < 2; ++id) replicas_.emplace(id, Replica{this});
  }

  void ForceRaftLogScanAndProcess() {
    ReaderLock lock(mu_);  // fix: move_unlock
    for (const auto& [id, replica] : replicas_) raft_log_queue_.MaybeAdd(replica);
  }

  void RaftStatus() {
    ReaderLock lock(mu_);  // blocks: rwmutex_rlock
  }

  static void ProcessRaft(const std::shared_ptr<Store>& store) {
    Go([store] {
      std::vector<Replica> replicas;
      store->mu_.Lock();  // blocks: rwmutex_lock
      for (const auto& [id, replica] : store->replicas_) replicas.push_back(replica);
      store->mu_.Unlock();
    });
  }

 private:
  BaseQueue raft_log_queue_;
  RWMutex mu_;
  std::map<int, Replica> replicas_;
};

void RaftLogQueue::GetTruncatableIndexes(const Replica& replica) { replica.store->RaftStatus(); }

void Run() {
  auto store = std::make_shared<Store>();
  Go([store] { store->ForceRaftLogScanAndProcess(); });
  Go([store] { Store::ProcessRaft(store); });
}

}  // namespace leaky

namespace fixed {

class Store;

struct Replica {
  Store* store;
};

class RaftLogQueue {
 public:
  void ShouldQueue(const Replica& replica) const { GetTruncatableIndexes(replica); }

 private:
  static void GetTruncatableIndexes(const Replica& replica);
};

class BaseQueue {
 public:
  explicit BaseQueue(RaftLogQueue impl) : impl_(impl) {}
  void MaybeAdd(const Replica& replica) {
    MutexLock lock(mu_);
    impl_.ShouldQueue(replica);
  }

 private:
  Mutex mu_;
  const RaftLogQueue impl_;
};

class Store {
 public:
  Store() : raft_log_queue_(RaftLogQueue()) {
    for (int id = 0; id < 2; ++id) replicas_.emplace(id, Replica{this});
  }

  // The queue is called without the lock, with a copy of the list.
  void ForceRaftLogScanAndProcess() {
    std::vector<Replica> replicas;
    mu_.RLock();
    for (const auto& [id, replica] : replicas_) replicas.push_back(replica);
    mu_.RUnlock();
    for (const Replica& replica : replicas) raft_log_queue_.MaybeAdd(replica);
  }

  void RaftStatus() { ReaderLock lock(mu_); }

  static void ProcessRaft(const std::shared_ptr<Store>& store) {
    Go([store] {
      std::vector<Replica> replicas;
      store->mu_.Lock();
      for (const auto& [id, replica] : store->replicas_) replicas.push_back(replica);
      store->mu_.Unlock();
    });
  }

 private:
  BaseQueue raft_log_queue_;
  RWMutex mu_;
  std::map<int, Replica> replicas_;
};

void RaftLogQueue::GetTruncatableIndexes(const Replica& replica) { replica.store->RaftStatus(); }

void Run() {
  auto store = std::make_shared<Store>();
  Go([store] { store->ForceRaftLogScanAndProcess(); });
  Go([store] { Store::ProcessRaft(store); });
}

}  // namespace fixed

const Registered kRegistered("cockroach3710", &leaky::Run, &fixed::Run);

}  // namespace
}  // namespace stranded::corpus
