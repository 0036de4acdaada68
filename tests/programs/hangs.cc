// Never ends: a server whose request left a task behind.
#include <stranded/stranded.h>
#include <unistd.h>

namespace {

void Serve() {
  stranded::BlockingRegion region;
  for (;;) pause();
}

}  // namespace

int main(int argc, char**) {
  auto [ctx, cancel] = stranded::WithCancel(stranded::Background());
  stranded::Chan<int> c;
  stranded::Go({.name = "left"}, ctx, [c] { c.Send(1); });
  cancel();
  if (argc > 1) {  // main in the hands of the runtime
    stranded::Go({.name = "serves"}, stranded::Background(), &Serve);
    stranded::Chan<int>().Recv();
  }
  Serve();
}
