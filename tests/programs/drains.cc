// A server whose context has ended drains what its last connection still sends, which takes long.
#include "stranded/stranded.h"

int main() {
  auto [ctx, cancel] = stranded::WithCancel(stranded::Background());
  const stranded::TaskHandle server = stranded::Go({.name = "server"}, ctx, [ctx = ctx] {
    const stranded::Chan<int> results;
    stranded::Go({.name = "connection"}, stranded::WithoutCancel(ctx), [results] {
      stranded::this_task::SleepFor(absl::Minutes(1));
      results.Send(1);
    });
    ctx.Done().Recv();
    results.Recv();
  });
  cancel();
  server.Join();
}
