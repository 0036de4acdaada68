// Parks one task, says so, and goes on until its input ends.
#include <stranded/channel.h>
#include <stranded/task.h>

#include <cstdio>

int main() {
  const stranded::Chan<int> never, started;
  stranded::SpawnOptions options;
  options.name = "waits for ever";
  stranded::Go(options, stranded::Background(), [never, started] {
    started.Send(1);
    never.Recv();
  });
  started.Recv();
  std::puts("ready");
  std::fflush(stdout);
  while (std::getchar() != EOF) {
  }
  std::puts("went on");
}
