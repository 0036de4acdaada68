// CockroachDB 24808: Start pokes a one-slot channel that already holds a suggestion, before anybody
// receives.
#include <functional>
#include <memory>
#include <utility>

#include "absl/cleanup/cleanup.h"
#include "stranded/stranded.h"
#include "tests/corpus/kernel.h"

namespace stranded::corpus {
namespace {

class Stopper {
 public:
  static void RunWorker(const std::shared_ptr<Stopper>& stopper, const Context& ctx,
                        std::function<void(const Context&)> worker) {
    stopper->stop_.Add(1);
    Go(ctx, [stopper, ctx, worker = std::move(worker)] {
      worker(ctx);
      stopper->stop_.Done();
    });
  }

  const Chan<Unit>& ShouldStop() const { return stopper_; }
  void Stop() const { stopper_.Close(); }

 private:
  WaitGroup stop_;
  Chan<Unit> stopper_;
};

namespace leaky {

struct Compactor {
  void Start(const Context& ctx, const std::shared_ptr<Stopper>& stopper) const {
    suggestions.Send(Unit{});  // blocks: chan_send // fix: other:nonblocking_op
    Stopper::RunWorker(stopper, ctx,
                       [suggestions = suggestions, stop = stopper->ShouldStop()](const Context&) {
                         bool stopped = false;
                         while (!stopped) {
                           Select(OnRecv(stop, [&] { stopped = true; }), OnRecv(suggestions));
                         }
                       });
  }

  Chan<Unit> suggestions{1};
};

void Run() {
  auto stopper = std::make_shared<Stopper>();
  absl::Cleanup stop = [&stopper] { stopper->Stop(); };
  const Compactor compactor;
  compactor.suggestions.Send(Unit{});
  compactor.Start(Background(), stopper);
}

}  // namespace leaky

namespace fixed {

struct Compactor {
  void Start(const Context& ctx, const std::shared_ptr<Stopper>& stopper) const {
    suggestions.TrySend(Unit{});
    Stopper::RunWorker(stopper, ctx,
                       [suggestions = suggestions, stop = stopper->ShouldStop()](const Context&) {
                         bool stopped = false;
                         while (!stopped) {
                           Select(OnRecv(stop, [&] { stopped = true; }), OnRecv(suggestions));
                         }
                       });
  }

  Chan<Unit> suggestions{1};
};

void Run() {
  auto stopper = std::make_shared<Stopper>();
  absl::Cleanup stop = [&stopper] { stopper->Stop(); };
  const Compactor compactor;
  compactor.suggestions.Send(Unit{});
  compactor.Start(Background(), stopper);
}

}  // namespace fixed

const Registered kRegistered("cockroach24808", &leaky::Run, &fixed::Run);

}  // namespace
}  // namespace stranded::corpus
