// grpc-go 660: the loop leaves on stop while its call still wants to report.
#include <memory>

#include "stranded/stranded.h"
#include "tests/corpus/kernel.h"

namespace stranded::corpus {
namespace {

namespace leaky {

class BenchmarkClient {
 public:
  void DoCloseLoopUnary() {
    for (;;) {
      Chan<bool> done;
      Go([done] {
        if (this_task::Choose(10) > 7) {
          done.Send(false);  // blocks: chan_send // fix: add_select_done
          return;
        }
        done.Send(true);  // blocks: chan_send // fix: add_select_done
      });
      if (Select(OnRecv(stop_), OnRecv(done)) == 0) return;
    }
  }

  void Stop() { stop_.Send(true); }

 private:
  Chan<bool> stop_;
};

void Run() {
  auto client = std::make_shared<BenchmarkClient>();
  Go([client] { client->DoCloseLoopUnary(); });
  Go([client] { client->Stop(); });
}

}  // namespace leaky

namespace fixed {

class BenchmarkClient {
 public:
  void DoCloseLoopUnary() {
    for (;;) {
      Chan<bool> done;
      Go([done, stop = stop_] {
        if (this_task::Choose(10) > 7) {
          Select(OnRecv(stop), OnSend(done, false));
          return;
        }
        Select(OnRecv(stop), OnSend(done, true));
      });
      if (Select(OnRecv(stop_), OnRecv(done)) == 0) return;
    }
  }

  void Stop() { stop_.Close(); }

 private:
  Chan<bool> stop_;
};

void Run() {
  auto client = std::make_shared<BenchmarkClient>();
  Go([client] { client->DoCloseLoopUnary(); });
  Go([client] { client->Stop(); });
}

}  // namespace fixed

const Registered kRegistered("grpc660", &leaky::Run, &fixed::Run);

}  // namespace
}  // namespace stranded::corpus
