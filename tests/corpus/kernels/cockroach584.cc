// CockroachDB 584: leaving a loop through break keeps the gossip mutex; the next call locks it
// again.
#include <memory>

#include "absl/base/thread_annotations.h"
#include "stranded/stranded.h"
#include "tests/corpus/kernel.h"

namespace stranded::corpus {
namespace {

namespace leaky {

class Gossip {
 public:
  explicit Gossip(bool closed) : closed_(closed) {}

  // Clang's analysis would see the bug, here and below.
  void Bootstrap() ABSL_NO_THREAD_SAFETY_ANALYSIS {
    for (;;) {
      mu_.Lock();  // fix: move_unlock
      if (closed_) break;
      mu_.Unlock();
    }
  }

  void Manage() ABSL_NO_THREAD_SAFETY_ANALYSIS {
    for (;;) {
      mu_.Lock();  // blocks: mutex_lock
      if (closed_) break;
      mu_.Unlock();
    }
  }

 private:
  Mutex mu_;
  const bool closed_;
};

void Run() {
  auto gossip = std::make_shared<Gossip>(true);
  Go([gossip] {
    gossip->Bootstrap();
    gossip->Manage();
  });
}

}  // namespace leaky

namespace fixed {

class Gossip {
 public:
  explicit Gossip(bool closed) : closed_(closed) {}

  void Bootstrap() {
    for (;;) {
      mu_.Lock();
      if (closed_) {
        mu_.Unlock();
        break;
      }
      mu_.Unlock();
    }
  }

  void Manage() {
    for (;;) {
      mu_.Lock();
      if (closed_) {
        mu_.Unlock();
        break;
      }
      mu_.Unlock();
    }
  }

 private:
  Mutex mu_;
  const bool closed_;
};

void Run() {
  auto gossip = std::make_shared<Gossip>(true);
  Go([gossip] {
    gossip->Bootstrap();
    gossip->Manage();
  });
}

}  // namespace fixed

const Registered kRegistered("cockroach584", &leaky::Run, &fixed::Run);

}  // namespace
}  // namespace stranded::corpus
