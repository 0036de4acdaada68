// Never ends: a server whose request left a task behind.
#include <stranded/stranded.h>
#include <unistd.h>

int main() {
  auto [ctx, cancel] = stranded::WithCancel(stranded::Background());
  stranded::Chan<int> c;
  stranded::Go({.name = "left"}, ctx, [c] { c.Send(1); });
  cancel();
  stranded::BlockingRegion region;
  for (;;) pause();
}
