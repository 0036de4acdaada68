// Aborts in schedules in which the second task sends before the first, and in no other; with an
// argument it hangs there instead.
#include <cstdlib>
#include <semaphore>

#include "stranded/leak_check.h"
#include "stranded/stranded.h"

namespace {

[[noreturn]] void End(bool hangs) {
  if (!hangs) std::abort();
  std::binary_semaphore never(0);
  for (;;) never.acquire();
}

}  // namespace

int main(int argc, char**) {
  return stranded::CheckedMain([hangs = argc > 1] {
    const stranded::Chan<int> values(2);
    const stranded::TaskHandle first = stranded::Go([values] { values.Send(1); });
    const stranded::TaskHandle second = stranded::Go([values] { values.Send(2); });
    if (values.Recv() == 2) End(hangs);
    values.Recv();
    first.Join();
    second.Join();
  });
}
