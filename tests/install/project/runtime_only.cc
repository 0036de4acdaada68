#include <stranded/stranded.h>

int main() {
  stranded::Chan<int> c;
  stranded::Go([c] { c.Send(42); });
  return c.Recv() == 42 ? 0 : 1;
}
