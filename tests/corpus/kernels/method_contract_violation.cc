// A worker is started and dropped without calling Stop.
#include <memory>

#include "stranded/stranded.h"
#include "tests/corpus/kernel.h"

namespace stranded::corpus {
namespace {

namespace leaky {

class Worker {
 public:
  Worker(Chan<int> items, Chan<Unit> done) : items_(std::move(items)), done_(std::move(done)) {}
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
  Chan<int> items_;
  Chan<Unit> done_;
};

void Run() {
  Chan<int> items;
  Chan<Unit> done;  // fix: close_channel
  Worker worker(items, done);
  worker.Start();
  worker.Add(1);
}

}  // namespace leaky

namespace fixed {

class Worker {
 public:
  Worker(Chan<int> items, Chan<Unit> done) : items_(std::move(items)), done_(std::move(done)) {}
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
  Chan<int> items_;
  Chan<Unit> done_;
};

void Run() {
  Chan<int> items;
  Chan<Unit> done;
  Worker worker(items, done);
  worker.Start();
  worker.Add(1);
  worker.Stop();
}

}  // namespace fixed

const Registered kRegistered("MethodContractViolation", &leaky::Run, &fixed::Run);

}  // namespace
}  // namespace stranded::corpus
