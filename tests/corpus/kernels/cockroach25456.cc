// CockroachDB 25456: a check for "is it draining?" is a plain receive on a channel that is closed
// only at shutdown.
#include <memory>
#include <utility>

#include "stranded/stranded.h"
#include "tests/corpus/kernel.h"

namespace stranded::corpus {
namespace {

struct Stopper {
  const Chan<Unit>& ShouldQuiesce() const { return quiescer; }
  Chan<Unit> quiescer;
};

constexpr int kRounds = 2;

namespace leaky {

struct Replica;

class ConsistencyQueue {
 public:
  void Process(const Replica& replica) const;
};

struct Store {
  std::shared_ptr<Stopper> stopper;
  ConsistencyQueue consistency_queue;
};

struct Replica {
  std::shared_ptr<Store> store;
};

void ConsistencyQueue::Process(const Replica& replica) const {
  replica.store->stopper->ShouldQuiesce().Recv();  // blocks: chan_recv // fix: other:nonblocking_op
}

struct TestContext {
  void StartWithStoreConfig(std::shared_ptr<Stopper> stopper) {
    if (store == nullptr) store = std::make_shared<Store>();
    store->stopper = std::move(stopper);
    replica.store = store;
  }

  std::shared_ptr<Store> store;
  Replica replica;
};

void Run() {
  TestContext test;
  test.StartWithStoreConfig(std::make_shared<Stopper>());
  for (int i = 0; i < kRounds; ++i) test.store->consistency_queue.Process(test.replica);
}

}  // namespace leaky

namespace fixed {

struct Replica;

class ConsistencyQueue {
 public:
  void Process(const Replica& replica) const;
};

struct Store {
  std::shared_ptr<Stopper> stopper;
  ConsistencyQueue consistency_queue;
};

struct Replica {
  std::shared_ptr<Store> store;
};

void ConsistencyQueue::Process(const Replica& replica) const {
  Select(OnRecv(replica.store->stopper->ShouldQuiesce()), Default());
}

struct TestContext {
  void StartWithStoreConfig(std::shared_ptr<Stopper> stopper) {
    if (store == nullptr) store = std::make_shared<Store>();
    store->stopper = std::move(stopper);
    replica.store = store;
  }

  std::shared_ptr<Store> store;
  Replica replica;
};

void Run() {
  TestContext test;
  test.StartWithStoreConfig(std::make_shared<Stopper>());
  for (int i = 0; i < kRounds; ++i) test.store->consistency_queue.Process(test.replica);
}

}  // namespace fixed

const Registered kRegistered("cockroach25456", &leaky::Run, &fixed::Run);

}  // namespace
}  // namespace stranded::corpus
