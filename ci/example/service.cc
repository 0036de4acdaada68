// A service with a leak that its team knows; --new-leak is the change of a pull request that brings
// another, --idle one after which the program never gets as far as starting a task.
#include <stranded/stranded.h>

#include <string>

namespace {

using namespace stranded;  // NOLINT(build/namespaces): an example reads better

// The caller gives up before the rate is there. Nobody receives it then.
void AskForRate() {
  auto [ctx, cancel] = WithCancel(Background());
  Chan<int> rate;
  Go({.name = "rate"}, ctx, [rate] { rate.Send(42); });
  cancel();
}

// The reader waits for news that nobody publishes any more.
void ReadNews() {
  auto [ctx, cancel] = WithCancel(Background());
  Chan<std::string> news;
  Go({.name = "news"}, ctx, [news] {
    while (news.Recv().has_value()) {
    }
  });
  cancel();
}

}  // namespace

int main(int argc, char** argv) {
  const std::string change = argc > 1 ? argv[1] : "";
  if (change == "--idle") return 0;
  AskForRate();
  if (change == "--new-leak") ReadNews();
  return 0;
}
