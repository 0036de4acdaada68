// Aborts in schedules in which the second task sends before the first, and in no other.
#include <cstdlib>

#include "stranded/leak_check.h"
#include "stranded/stranded.h"

int main() {
  return stranded::CheckedMain([] {
    const stranded::Chan<int> values(2);
    const stranded::TaskHandle first = stranded::Go([values] { values.Send(1); });
    const stranded::TaskHandle second = stranded::Go([values] { values.Send(2); });
    if (values.Recv() == 2) std::abort();
    values.Recv();
    first.Join();
    second.Join();
  });
}
