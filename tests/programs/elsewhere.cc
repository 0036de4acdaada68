// A leak in a program that runs in another folder than that of its sources.
#include <stranded/leak_check.h>
#include <stranded/stranded.h>

int main() {
  return stranded::CheckedMain([] {
    auto [ctx, cancel] = stranded::WithCancel(stranded::Background());
    stranded::Chan<int> answers;
    stranded::Go({.name = "stranded"}, ctx, [answers] { answers.Send(1); });
    cancel();
  });
}
