// kubernetes 25331: the watcher cancels, then sends an error that nobody waits for.
#include <memory>
#include <optional>

#include "absl/status/status.h"
#include "stranded/stranded.h"
#include "tests/corpus/kernel.h"

namespace stranded::corpus {
namespace {

namespace leaky {

class WatchChan {
 public:
  static std::shared_ptr<WatchChan> Make() {
    auto [ctx, cancel] = WithCancel(Background());
    return std::make_shared<WatchChan>(ctx, cancel);
  }
  WatchChan(const Context& ctx, const CancelFunc& cancel) : ctx_(ctx), cancel_(cancel) {}

  const Context& context() const { return ctx_; }

  void Watch() {
    Select(OnRecv(errors_,
                  [&](std::optional<absl::Status> error) {
                    const bool failed = !error->ok();
                    cancel_();
                    results_.Send(failed);  // blocks: chan_send // fix: add_select_done
                  }),
           OnDone(ctx_));
  }

  void Stop() {
    errors_.Send(absl::InternalError("the watch failed"));
    cancel_();
  }

 private:
  Context ctx_;
  CancelFunc cancel_;
  Chan<bool> results_;
  Chan<absl::Status> errors_;
};

void Run() {
  auto watch = WatchChan::Make();
  Go(watch->context(), [watch] { watch->Watch(); });
  Go([watch] { watch->Stop(); });
}

}  // namespace leaky

namespace fixed {

class WatchChan {
 public:
  static std::shared_ptr<WatchChan> Make() {
    auto [ctx, cancel] = WithCancel(Background());
    return std::make_shared<WatchChan>(ctx, cancel);
  }
  WatchChan(const Context& ctx, const CancelFunc& cancel) : ctx_(ctx), cancel_(cancel) {}

  const Context& context() const { return ctx_; }

  void Watch() {
    Select(OnRecv(errors_,
                  [&](std::optional<absl::Status> error) {
                    const bool failed = !error->ok();
                    Select(OnSend(results_, failed), OnDone(ctx_));
                    cancel_();
                  }),
           OnDone(ctx_));
  }

  void Stop() {
    errors_.Send(absl::InternalError("the watch failed"));
    cancel_();
  }

 private:
  Context ctx_;
  CancelFunc cancel_;
  Chan<bool> results_;
  Chan<absl::Status> errors_;
};

void Run() {
  auto watch = WatchChan::Make();
  Go(watch->context(), [watch] { watch->Watch(); });
  Go([watch] { watch->Stop(); });
}

}  // namespace fixed

const Registered kRegistered("kubernetes25331", &leaky::Run, &fixed::Run);

}  // namespace
}  // namespace stranded::corpus
