// Parks one task, says so, and goes on until its input ends.
#include <stranded/channel.h>
#include <stranded/task.h>

#include <cstdio>

#include "tests/runtime/sync_test_support.h"

int main() {
  const stranded::Chan<int> never;
  stranded::SpawnOptions options;
  options.name = "waits for ever";
  const stranded::TaskHandle parked =
      stranded::Go(options, stranded::Background(), [never] { never.Recv(); });
  stranded::AwaitParked(parked.Id(), stranded::internal::WaitKind::kChanRecv);
  std::puts("ready");
  std::fflush(stdout);
  while (std::getchar() != EOF) {
  }
  std::puts("went on");
}
