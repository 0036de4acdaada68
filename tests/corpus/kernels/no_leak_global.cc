// A task that waits on a package-level channel of a live program is no leak: somebody may still
// send. At the end of a body nothing tells it from one that is stuck, so the program says that it
// may stay: it is a daemon. This body must stay silent.
#include <memory>

#include "stranded/stranded.h"
#include "tests/corpus/kernel.h"

namespace stranded::corpus {
namespace {

namespace leaky {

struct Service {
  Chan<int> requests;
};
Service& Global() {
  static auto& service = *new Service;
  return service;
}

void Run() {
  Global() = Service();
  Go({.name = "service", .daemon = true}, Background(),
     [requests = Global().requests] { requests.Recv(); });
}

}  // namespace leaky

const Registered kRegistered("NoLeakGlobal", &leaky::Run, nullptr);

}  // namespace
}  // namespace stranded::corpus
