// Leaves a stranded task behind and ends with 0: CheckAtExit makes that 86.
#include <stranded/leak_check.h>
#include <stranded/stranded.h>

int main() {
  stranded::CheckAtExit();
  auto [ctx, cancel] = stranded::WithCancel(stranded::Background());
  stranded::Chan<int> c;
  stranded::Go({.name = "left"}, ctx, [c] { c.Send(1); });
  cancel();
}
