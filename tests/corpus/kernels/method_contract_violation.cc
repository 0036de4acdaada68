// A worker is started and dropped without calling Stop.
#include <memory>

#include "stranded/stranded.h"
#include "tests/corpus/kernel.h"

namespace stranded::corpus {
namespace {

namespace leaky {

class Worker {
 public:
  void Start() {
    Go([items = items_, done = done_] {
      for (;;) {
        if (Select(OnRecv(items), OnRecv(done)) == 1) return;  // blocks: select
      }
    });
  }
  void Add(int item) { items_.Send(item); }
  void Stop() { done_.Close(); }

 private:
  Chan<int> items_{0};
  Chan<Unit> done_{0};  // fix: close_channel
};

void Run() {
  Worker worker;
  worker.Start();
  worker.Add(1);
}

}  // namespace leaky

namespace fixed {

class Worker {
 public:
  void Start() {
    Go([items = items_, done = done_] {
      for (;;) {
        if (Select(OnRecv(items), OnRecv(done)) == 1) return;
      }
    });
  }
  void Add(int item) { items_.Send(item); }
  void Stop() { done_.Close(); }

 private:
  Chan<int> items_{0};
  Chan<Unit> done_{0};
};

void Run() {
  Worker worker;
  worker.Start();
  worker.Add(1);
  worker.Stop();
}

}  // namespace fixed

const Registered kRegistered("MethodContractViolation", &leaky::Run, &fixed::Run);

}  // namespace
}  // namespace stranded::corpus
