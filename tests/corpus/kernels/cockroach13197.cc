// CockroachDB 13197: a transaction is begun and never finished, so its context never ends.
#include <memory>
#include <utility>

#include "stranded/stranded.h"
#include "tests/corpus/kernel.h"

namespace stranded::corpus {
namespace {

namespace leaky {

class Tx {
 public:
  Tx(Context ctx, CancelFunc cancel) : ctx_(std::move(ctx)), cancel_(std::move(cancel)) {}

  void AwaitDone() const {
    ctx_.Done().Recv();  // blocks: chan_recv
  }
  void Rollback() const { Close(); }

 private:
  void Close() const { cancel_(); }

  const Context ctx_;
  const CancelFunc cancel_;
};

class Db {
 public:
  std::shared_ptr<Tx> Begin(const Context& parent) const {
    auto [ctx, cancel] = WithCancel(parent);  // fix: call_cancel
    auto tx = std::make_shared<Tx>(ctx, cancel);
    Go(ctx, [tx] { tx->AwaitDone(); });
    return tx;
  }
};

void Run() {
  const Db db;
  db.Begin(Background());
}

}  // namespace leaky

namespace fixed {

class Tx {
 public:
  Tx(Context ctx, CancelFunc cancel) : ctx_(std::move(ctx)), cancel_(std::move(cancel)) {}

  void AwaitDone() const { ctx_.Done().Recv(); }
  void Rollback() const { Close(); }

 private:
  void Close() const { cancel_(); }

  const Context ctx_;
  const CancelFunc cancel_;
};

class Db {
 public:
  std::shared_ptr<Tx> Begin(const Context& parent) const {
    auto [ctx, cancel] = WithCancel(parent);
    auto tx = std::make_shared<Tx>(ctx, cancel);
    Go(ctx, [tx] { tx->AwaitDone(); });
    return tx;
  }
};

void Run() {
  const Db db;
  db.Begin(Background())->Rollback();
}

}  // namespace fixed

const Registered kRegistered("cockroach13197", &leaky::Run, &fixed::Run);

}  // namespace
}  // namespace stranded::corpus
