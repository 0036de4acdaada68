// CockroachDB 10790: after a cancellation helpers are left to drain channels whose sender stopped
// for the same cancellation.
#include <memory>
#include <vector>

#include "stranded/stranded.h"
#include "tests/corpus/kernel.h"

namespace stranded::corpus {
namespace {

constexpr int kCommands = 2;

class Stopper {
 public:
  const Chan<Unit>& ShouldQuiesce() const { return quiescer_; }
  void Stop() { Quiesce(); }

 private:
  void Quiesce() {
    MutexLock lock(mu_);
    if (quiescing_) return;
    quiescing_ = true;
    quiescer_.Close();
  }

  Chan<Unit> quiescer_;
  Mutex mu_;
  bool quiescing_ = false;
};

namespace leaky {

class Replica {
 public:
  Replica() : commands_(kCommands) {}

  // Waits for earlier commands; on a cancellation a helper takes over what is left of that.
  void BeginCmds(const Context& ctx) const {
    for (const Chan<bool>& command : commands_) {
      Select(OnRecv(command), OnDone(ctx, [&] {
               Go(ctx, [commands = commands_] {
                 for (const Chan<bool>& left : commands) {
                   left.Recv();  // blocks: chan_recv // fix: add_select_done
                 }
               });
             }));
    }
  }

  void SendAll(const Context& ctx) const {
    bool ended = false;
    for (const Chan<bool>& command : commands_) {
      Select(OnSend(command, true), OnDone(ctx, [&] { ended = true; }));
      if (ended) return;
    }
  }

  Stopper& stopper() { return stopper_; }

 private:
  std::vector<Chan<bool>> commands_;
  Stopper stopper_;
};

void Run() {
  auto replica = std::make_shared<Replica>();
  auto [ctx, cancel] = WithCancel(Background());
  Go(ctx, [replica, ctx = ctx] { replica->SendAll(ctx); });
  Go(ctx, [replica, ctx = ctx] { replica->BeginCmds(ctx); });
  Go([cancel = cancel] { cancel(); });
  replica->stopper().Stop();
}

}  // namespace leaky

namespace fixed {

class Replica {
 public:
  Replica() : commands_(kCommands) {}

  void BeginCmds(const Context& ctx) const {
    for (const Chan<bool>& command : commands_) {
      Select(OnRecv(command), OnDone(ctx, [&] {
               Go(ctx, [commands = commands_, quiesce = stopper_.ShouldQuiesce()] {
                 bool stopped = false;
                 for (const Chan<bool>& left : commands) {
                   Select(OnRecv(left), OnRecv(quiesce, [&] { stopped = true; }));
                   if (stopped) return;
                 }
               });
             }));
    }
  }

  void SendAll(const Context& ctx) const {
    bool ended = false;
    for (const Chan<bool>& command : commands_) {
      Select(OnSend(command, true), OnDone(ctx, [&] { ended = true; }));
      if (ended) return;
    }
  }

  Stopper& stopper() { return stopper_; }

 private:
  std::vector<Chan<bool>> commands_;
  Stopper stopper_;
};

void Run() {
  auto replica = std::make_shared<Replica>();
  auto [ctx, cancel] = WithCancel(Background());
  Go(ctx, [replica, ctx = ctx] { replica->SendAll(ctx); });
  Go(ctx, [replica, ctx = ctx] { replica->BeginCmds(ctx); });
  Go([cancel = cancel] { cancel(); });
  replica->stopper().Stop();
}

}  // namespace fixed

const Registered kRegistered("cockroach10790", &leaky::Run, &fixed::Run);

}  // namespace
}  // namespace stranded::corpus
