// Never ends, and strands nothing: a task that works now and then.
#include <stranded/leak_check.h>
#include <stranded/stranded.h>

int main() {
  return stranded::CheckedMain([] {
    for (;;) stranded::this_task::SleepFor(absl::Milliseconds(1));
  });
}
