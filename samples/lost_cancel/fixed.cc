// A watcher that should run until its owner is done with it.
//
// Watch() hands out the cancel function of the context it makes, and the owner calls it.
#include <stranded/channel.h>
#include <stranded/context.h>
#include <stranded/leak_check.h>
#include <stranded/select.h>
#include <stranded/task.h>

using namespace stranded;  // NOLINT

namespace {

struct Watcher {
  Receiver<int> changes;
  CancelFunc stop;
};

Watcher Watch(const Context& parent) {
  auto [ctx, cancel] = WithCancel(parent);
  Chan<int> changes(1);
  Go({.name = "watcher"}, ctx, [ctx = ctx, changes] {
    changes.Send(1);
    Chan<int> more;  // nothing else changes in this example
    Select(OnRecv(more), OnDone(ctx));
  });
  return {changes, cancel};
}

void ReadFirstChange() {
  const Watcher watcher = Watch(Background());
  watcher.changes.Recv();
  watcher.stop();
}

}  // namespace

int main() {
  return CheckedMain([] { ReadFirstChange(); });
}
